"""What a proxy tells of itself, without a proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from spec.feed import ProxyStats


@asynccontextmanager
async def answering(socket: Path, stats: list[ProxyStats]) -> AsyncIterator[None]:
    """A proxy's `/stats`, which tells the last of `stats`."""
    async with await asyncio.start_unix_server(partial(_answer, stats), socket):
        yield


@asynccontextmanager
async def answering_at_a_port(stats: list[ProxyStats]) -> AsyncIterator[str]:
    """The same over TCP; its address."""
    async with await asyncio.start_server(partial(_answer, stats), "127.0.0.1") as server:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _answer(
    stats: list[ProxyStats], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = stats[-1].model_dump_json().encode()
    head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    writer.close()
