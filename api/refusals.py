"""Attempts at a change that were refused to somebody we know: told to the audit log."""

import logging
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.rate_limit import RateLimit
from perdure.errors import Unavailable
from spec.audit import Action, Outcome
from store.audit import Audit, Author, Entry

log = logging.getLogger(__name__)

READING = frozenset({"GET", "HEAD", "OPTIONS"})
FORBIDDEN = 403
NOTED_PER_SECOND, NOTED_AT_ONCE = 1, 60
"""Of one token: who tries in a loop does not fill the log."""

_TOKEN = re.compile(r"(?<=/tokens/).*", re.DOTALL)
"""It should be an id, but people paste values."""
_PROJECT = re.compile(r"/api/v1/projects/([a-z][a-z0-9-]{0,49})(?=/|$)")


class Refusals:
    """Notes method and path of what was answered 403, with who asked. Reading is not noted."""

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app = app
        self._audit = audit
        self._noted = RateLimit(NOTED_PER_SECOND, NOTED_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through; an answer that refuses it goes out when it was noted."""
        by: Author | None = scope.get("state", {}).get("caller")
        if by is None or scope["method"] in READING:
            await self._app(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == FORBIDDEN:
                await self._note(by, scope["method"], scope["path"])
            await send(message)

        await self._app(scope, receive, noting)

    async def _note(self, by: Author, method: str, path: str) -> None:
        if not self._noted.allows(by.token):
            return
        project = _PROJECT.match(path)
        entry = Entry(
            Action.REQUEST_REFUSED,
            f"{method} {_TOKEN.sub('…', path)}",
            project[1] if project else None,
            Outcome.REFUSED,
        )
        try:
            await self._audit.record(by, entry)
        except Unavailable as error:
            log.warning("A refused request of `%s` is not in the audit log: %s", by.user, error)
