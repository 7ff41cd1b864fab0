"""The worker's health, on a unix socket: `/healthz` (alive) and `/readyz` (polling)."""

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType

HEAD_LIMIT = 16_384
PATIENCE = 5.0


class Health:
    """Answers while it is entered. Small, so that it answers also when nothing else does."""

    def __init__(self, socket: Path) -> None:
        self.ready = False
        self._socket = socket
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
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1]
                fine = path == b"/healthz" or (path == b"/readyz" and self.ready)
                status = b"200 OK" if fine else b"503 Service Unavailable"
                writer.write(
                    b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status
                )
                await writer.drain()
        writer.close()
