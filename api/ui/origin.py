"""The app of the UI's origin: sign in, read sealed payloads, and all else from Temporal's UI."""

import logging
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.middleware.base import RequestResponseEndpoint
from temporalio.converter import PayloadCodec

from api import error_answers
from api.body import pieces, whole
from api.rate_limit import RateLimit
from api.services import Services
from api.ui.codec import decoded
from api.ui.origin_guard import ANSWER_HEADERS, refusal
from api.ui.pages import sign_in_page
from api.ui.session import LENGTH, Sessions
from api.ui.upstream import Upstream
from perdure.errors import Forbidden, RateLimited, Unauthenticated
from perdure.session_cookie import SESSION_COOKIE
from spec.audit import Action, Outcome
from store.audit import NOBODY, Author, Entry
from store.tokens import Caller

log = logging.getLogger(__name__)

CODEC_LIMIT = 8 * 1024 * 1024
"""Bytes of one request: a page of history with its largest payloads, in base64."""
DECODES_PER_SECOND, DECODES_AT_ONCE = 50, 500
TRIES_PER_SECOND, TRIES_AT_ONCE = 1, 20
EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def ui_app(services: Services, codec: PayloadCodec, upstream: Upstream) -> FastAPI:
    """The app; only admins of the server get in, for Temporal's UI knows no projects."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    door = Door(services)
    decodes = RateLimit(DECODES_PER_SECOND, DECODES_AT_ONCE)

    @app.middleware("http")
    async def guard(request: Request, call_next: RequestResponseEndpoint) -> Response:
        reason = refusal(request.method, request.headers)
        answer = error_answers.answer(Forbidden(reason)) if reason else await call_next(request)
        answer.headers.update(ANSWER_HEADERS)
        return answer

    @app.get("/sign-in")
    async def form(request: Request) -> Response:
        signed_in = await door.admin(request) is not None
        return RedirectResponse("/", 303) if signed_in else sign_in_page()

    @app.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        return await door.sign_in(request)

    @app.post("/sign-out")
    async def sign_out() -> Response:
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    @app.post("/codec/decode")
    async def decode(request: Request) -> Response:
        caller = await door.require_admin(request)
        if not decodes.allows(caller.token):
            raise RateLimited("Too many payloads are read at once.", hint="Wait a moment.")
        body = b"".join([piece async for piece in pieces(request, CODEC_LIMIT)])
        content, count = await decoded(codec, body)
        entry = Entry(Action.PAYLOAD_DECODE, f"{count} payloads")
        await services.store.audit.record(caller, entry)
        return Response(
            content, media_type="application/json", headers={"Cache-Control": "no-store"}
        )

    @app.api_route("/codec/{rest:path}", methods=EVERY_METHOD)
    async def no_other_codec(request: Request) -> Response:
        await door.require_admin(request)
        raise Forbidden("Payloads are only decoded here.")

    @app.api_route("/{path:path}", methods=EVERY_METHOD)
    async def temporal(request: Request) -> Response:
        if await door.admin(request) is None and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/sign-in", 303)
        await door.require_admin(request)
        return await upstream.forward(request)

    error_answers.install(app)
    return app


class Door:
    """Who gets in, and stays in."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._sessions = Sessions(services.session_keys)
        self._tries = RateLimit(TRIES_PER_SECOND, TRIES_AT_ONCE)

    async def admin(self, request: Request) -> Caller | None:
        """The admin of this request's session, if it has one."""
        cookie = request.cookies.get(SESSION_COOKIE, "")
        token = self._sessions.token_of(cookie, self._store.now())
        caller = None if token is None else await self._store.tokens.holder(token)
        return caller if caller is not None and _refusal(caller) is None else None

    async def require_admin(self, request: Request) -> Caller:
        """As `admin`. Raises `Unauthenticated`."""
        caller = await self.admin(request)
        if caller is None:
            raise Unauthenticated("Nobody is signed in.", hint="Sign in at `/sign-in`.")
        return caller

    async def sign_in(self, request: Request) -> Response:
        """Begin a session, or show the form again with the reason."""
        form = parse_qs((await whole(request)).decode(errors="replace"))
        caller = await self._store.tokens.caller(form.get("token", [""])[0].strip())
        if caller is None:
            # Who has a token gets in, however many others try.
            if not self._tries.allows("wrong"):
                return sign_in_page("Too many tries. Wait a few seconds.", status=429)
            await self._note(NOBODY, "with a token that is not valid", Outcome.REFUSED)
            return sign_in_page("This token is not valid.", status=401)
        refused = _refusal(caller)
        if refused is not None:
            if self._tries.allows(caller.token):
                await self._note(caller, "", Outcome.REFUSED)
            return sign_in_page(refused, status=403)
        await self._note(caller, "", Outcome.DONE)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            SESSION_COOKIE,
            self._sessions.begin(caller.token, self._store.now()),
            max_age=int(LENGTH.total_seconds()),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _note(self, by: Author, subject: str, outcome: Outcome) -> None:
        await self._store.audit.record(by, Entry(Action.UI_SIGN_IN, subject, outcome=outcome))


def _refusal(caller: Caller) -> str | None:
    """Why this caller's token does not open the UI; None when it does."""
    if not caller.administers:
        return "This token is not that of an admin of the server."
    return None if caller.may_use_api else "This token may only call services."
