"""Each request to the API has an id, by which its lines of the log are found; and is counted."""

import re
import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import IN_FLIGHT, REQUESTS, SECONDS
from perdure.subject import Subject, about

HEADER = b"x-request-id"
GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""An id that a client, or a proxy of the operator's, may bring along."""

_RUN = re.compile(r"/projects/(?P<project>[^/]+)/runs/(?P<run>[^/]+)")
UNKNOWN = "other"


class Requests:
    """The outermost part of an app: what goes on inside of it is about this request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through; its answer tells the id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, began, status = _request_id(scope), time.perf_counter(), 500

        async def telling(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, request.encode())]
            await send(message)

        IN_FLIGHT.inc()
        try:
            with about(Subject(run=_run(scope), request=request)):
                await self._app(scope, receive, telling)
        finally:
            IN_FLIGHT.dec()
            # The framework notes the route; an address that nobody has must not make a series.
            route = getattr(scope.get("route"), "path", UNKNOWN)
            REQUESTS.labels(scope["method"] if route != UNKNOWN else UNKNOWN, route, status).inc()
            SECONDS.labels(route).observe(time.perf_counter() - began)


def _request_id(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return str(given.decode()) if GIVEN.fullmatch(given) else uuid.uuid4().hex


def _run(scope: Scope) -> str:
    found = _RUN.search(scope["path"])
    return f"{found['project']}/{found['run']}" if found else ""
