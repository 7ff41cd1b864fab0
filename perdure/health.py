"""A process's health on a unix socket: `/healthz` (alive), `/readyz`, and pages of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

HEAD_LIMIT = 16_384  # bytes
PATIENCE = 5.0  # seconds for a request
BROKEN = (
    *(OSError, TimeoutError, IndexError),
    *(asyncio.IncompleteReadError, asyncio.LimitOverrunError),
)

Page = Callable[[], bytes]
"""A JSON document, made when it is asked for."""


class Health:
    """Answers while it is entered; `ready` is what `/readyz` tells.

    Small, so that it answers also when nothing else does.
    """

    def __init__(self, socket: Path, pages: Mapping[str, Page] = MappingProxyType({})) -> None:
        self.ready = False
        self._socket = socket
        self._pages = {path.encode(): page for path, page in pages.items()}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Health":
        self._socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, self._socket, limit=HEAD_LIMIT)
        self._socket.chmod(0o600)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*BROKEN):
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = self._reply(head.split(b" ", 2)[1])
                writer.write(
                    b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                    b"connection: close\r\n\r\n%s" % (status, len(body), body)
                )
                await writer.drain()
        writer.close()

    def _reply(self, path: bytes) -> tuple[bytes, bytes]:
        if path == b"/healthz":
            return b"200 OK", b'{"status": "ok"}'
        if path == b"/readyz" and self.ready:
            return b"200 OK", b'{"status": "ready"}'
        if path == b"/readyz":
            return b"503 Service Unavailable", b'{"status": "starting"}'
        page = self._pages.get(path)
        if page is not None:
            return b"200 OK", page()
        return b"404 Not Found", b'{"detail": "Nothing is here.", "code": "not_found"}'
