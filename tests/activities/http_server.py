"""A small HTTP server that answers as a test says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Requests:
    """What came: `heads` in lower case but for their first line, and `bodies`."""

    address: str = ""
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [head.split(" ", 2)[1] for head in self.heads]


def status(code: int, *more: str, body: bytes = b"") -> bytes:
    """An answer, with further header lines."""
    lines = [f"HTTP/1.1 {code} x", "connection: close", f"content-length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def http_server(*answers: int | bytes | None, silent_at: str = "") -> AsyncIterator[Requests]:
    """Answers with these in turn, then with the last one: a status, raw bytes, None for silence.

    At the path `silent_at` it never says anything.
    """
    left, requests = list(answers), Requests()
    answering = set[asyncio.Task[None] | None]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await respond(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, _, rest = head.partition("\r\n")
        requests.heads.append(f"{first}\r\n{rest.lower()}")
        length = rest.lower().partition("content-length: ")[2].partition("\r\n")[0]
        requests.bodies.append(await reader.readexactly(int(length or 0)))
        is_silent = requests.paths[-1] == silent_at
        given = None if is_silent else left.pop(0) if len(left) > 1 else left[0]
        if given is None:
            await reader.read()
        else:
            writer.write(given if isinstance(given, bytes) else status(given))
            await writer.drain()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        requests.address = f"tcp://{host}:{port}"
        yield requests
        await asyncio.gather(*(task for task in answering if task is not None))
