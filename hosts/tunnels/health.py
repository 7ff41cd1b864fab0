"""Health of this process on a unix socket: `/healthz`, `/readyz`, and `/tunnels` as JSON."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from hosts.tunnels.board import BoardHealth

HEAD_LIMIT = 16_384  # bytes
PATIENCE = 5.0  # seconds for a request


class Health:
    """Answers while it is entered, and is ready from then on: a machine away is not its failure."""

    def __init__(self, socket: Path, board: Callable[[], BoardHealth]) -> None:
        self._socket = socket
        self._board = board
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
        unusable = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.suppress(*unusable):
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
        match path:
            case b"/healthz":
                return b"200 OK", b'{"status": "ok"}'
            case b"/readyz":
                return b"200 OK", b'{"status": "ready"}'
            case b"/tunnels":
                return b"200 OK", self._board().model_dump_json().encode()
        return b"404 Not Found", (
            b'{"detail": "There is nothing at this address.", "code": "not_found"}'
        )
