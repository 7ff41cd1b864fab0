"""Health, metrics, counters and the table, on an address of this process alone."""

import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from perdure.health import JSON, Answer, Health
from perdure.http_server import HttpServer
from proxy.plane import Plane
from proxy.state import State
from spec.route import RouteReport

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]


class Management:
    """An ASGI application. It shares the event loop with the data plane and nothing else.

    Of health and metrics it answers as `health` does, of which it is one more address.
    """

    def __init__(self, plane: Plane, state: State, health: Health) -> None:
        self._plane = plane
        self._state = state
        self._health = health
        self._server: HttpServer | None = None

    async def serve(self, listener: socket.socket) -> None:
        """Answer on this socket until `stop`."""
        config = uvicorn.Config(self, log_config=None, access_log=False, lifespan="off", ws="none")
        self._server = HttpServer(config)
        await self._server.serve(sockets=[listener])

    def stop(self) -> None:
        """Answer what is asked, then end."""
        if self._server is not None:
            self._server.should_exit = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        status, kind, body = await self._answer(scope["path"], scope["query_string"].decode())
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, path: str, query: str) -> Answer:
        if path == "/stats":
            return 200, JSON, self._state.stats(self._plane).model_dump_json().encode()
        if path == "/admin/routes":
            return await self._routes(verify="verify" in parse_qs(query))
        return await self._health.page(path.encode())

    async def _routes(self, *, verify: bool) -> Answer:
        differs = await self._state.verify() if verify else None
        report = RouteReport(routes=self._plane.table.routes(), differs=differs)
        return 200, JSON, report.model_dump_json().encode()
