"""Health, metrics, counters and the table, on an address of this process alone."""

import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from perdure.errors import NotFound
from perdure.http_server import HttpServer
from proxy.metrics import exposition
from proxy.plane import Plane
from proxy.state import State
from spec.route import RouteReport

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
JSON = "application/json"


class Management:
    """An ASGI application. It shares the event loop with the data plane and nothing else."""

    def __init__(self, plane: Plane, state: State) -> None:
        self._plane = plane
        self._state = state
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

    async def _answer(self, path: str, query: str) -> tuple[int, str, bytes]:
        if path == "/healthz":
            return 200, JSON, b'{"status": "ok"}'
        if path == "/readyz":
            status, body = self._state.readiness(self._plane).answer()
            return status, JSON, body
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, exposition(self._plane, self._state)
        if path == "/stats":
            return 200, JSON, self._state.stats(self._plane).model_dump_json().encode()
        if path == "/admin/routes":
            return await self._routes(verify="verify" in parse_qs(query))
        return 404, JSON, _error(NotFound.code(), "There is nothing at this address.")

    async def _routes(self, *, verify: bool) -> tuple[int, str, bytes]:
        differs = await self._state.verify() if verify else None
        report = RouteReport(routes=self._plane.table.routes(), differs=differs)
        return 200, JSON, report.model_dump_json().encode()


def _error(code: str, detail: str) -> bytes:
    return json.dumps({"detail": detail, "code": code}).encode()
