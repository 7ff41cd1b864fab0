"""Upstream servers that a test scripts byte by byte."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.proxy.wire import Message, read_message

Handler = Callable[["Connection"], Awaitable[None]]


class Connection:
    """One connection that the proxy opened."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> Message:
        return await read_message(self.reader)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, body: bytes, *lines: str, status: str = "200 OK") -> None:
        fields = "".join(f"{line}\r\n" for line in (*lines, f"content-length: {len(body)}"))
        await self.write(f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body)

    async def gone(self) -> None:
        """Wait until the proxy has closed."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Close so that the other side sees a reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def answering(*lines: str) -> Handler:
    """Answers one request with `x` and these fields."""

    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.reply(b"x", *lines)

    return answer


class Held:
    """An application that begins (or does not) to answer, and waits for the end."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, connection: Connection) -> None:
        await connection.request()
        await connection.write(self._beginning)
        self.arrived.set()
        await connection.gone()
        self.left.set()


class Upstream:
    """A server on a port of its own. It keeps every request that `echo` has seen."""

    def __init__(self, handler: Handler | None = None) -> None:
        self.requests: list[Message] = []
        self.connections = 0
        self._handler = handler or self.echo
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> "Upstream":
        self._server = await asyncio.start_server(self.accept, "127.0.0.1", port, limit=2**20)
        return self

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self.end_connections()

    async def end_connections(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def echo(self, connection: Connection) -> None:
        """Answer each request with its own body."""
        while True:
            request = await connection.request()
            self.requests.append(request)
            body = b"" if request.start.startswith("HEAD") else request.body
            await connection.reply(body)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._run(Connection(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Also of one that is cancelled before it begins.
        task.add_done_callback(lambda _: writer.close())

    async def _run(self, connection: Connection) -> None:
        with suppress(EOFError, ConnectionError):
            await self._handler(connection)
