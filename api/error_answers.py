"""Every failure as one envelope: `{"error": {"code", "message", "hint"}}`, with no internals."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.service import RPCError, RPCStatusCode

from api.document import DocumentedApp
from perdure.errors import (
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    PerdureError,
    Unauthenticated,
    Unavailable,
)

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
PROBLEM = "problem"
"""The type of `spec.section.problem`: an error in our words."""
_DOCUMENT = "`GET /api/v1/openapi.json` says what there is."


def answer(error: PerdureError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer that tells of an error."""
    extra = dict(headers or {})
    if isinstance(error, Unauthenticated):
        extra["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        extra["Retry-After"] = str(RETRY_AFTER_SECONDS)
    body = {"code": error.code(), "message": error.message, "hint": error.hint}
    return JSONResponse({"error": body}, status_code=error.http_status, headers=extra)


def install(app: FastAPI) -> None:
    """Have the app answer every failure in this way."""
    app.add_middleware(UnforeseenErrors)

    @app.exception_handler(PerdureError)
    async def ours(_request: Request, error: PerdureError) -> JSONResponse:
        if error.http_status >= 500:
            log.warning("%s: %s", error.code(), error.message)
        return answer(error)

    @app.exception_handler(RPCError)
    async def temporals(_request: Request, error: RPCError) -> JSONResponse:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            log.warning("Temporal refuses: %s", error.message)
            return answer(
                InvalidInput("Temporal does not take this: it is too large, or malformed.")
            )
        log.warning("Temporal: %s", error.status.name)
        return answer(Unavailable("Temporal does not answer.", hint="Try again in a moment."))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == PROBLEM:
            return answer(InvalidInput(first["ctx"]["message"], hint=first["ctx"]["hint"]))
        where = ".".join(str(part) for part in first["loc"][1:])
        return answer(InvalidInput(f"`{where}`: {first['msg']}."))

    @app.exception_handler(HTTPException)
    async def frameworks(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            return answer(NotFound("There is nothing at this address.", hint=_DOCUMENT))
        if error.status_code == 405:
            # The framework knows the methods of one of the path's routes only.
            methods = app.methods(request.url.path) if isinstance(app, DocumentedApp) else ()
            allowed = {"Allow": ", ".join(methods)} if methods else error.headers
            unknown = MethodNotAllowed("This address does not know the method.", hint=_DOCUMENT)
            return answer(unknown, allowed)
        return answer(InvalidInput("The request cannot be understood."))


class UnforeseenErrors:
    """Answers what nobody expected, and keeps the connection, which others share with the caller.

    As an exception handler of the framework it would answer, too, but the server closes the
    connection after that, without a word in the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through; an error before the answer began becomes one."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            if scope["type"] != "http" or begun:
                raise
            log.exception("%s %s failed", scope["method"], scope["path"])
            hint = "Its log says why; try again in a moment."
            await answer(PerdureError("The server failed.", hint=hint))(scope, receive, send)
