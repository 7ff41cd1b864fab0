"""What a proxy tells of itself, without a proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from spec.feed import ProxyStats


@asynccontextmanager
async def answering(socket: Path, stats: list[ProxyStats]) -> AsyncIterator[None]:
    """A proxy's `/stats`, which tells the last of `stats`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = stats[-1].model_dump_json().encode()
        head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    async with await asyncio.start_unix_server(answer, socket):
        yield
