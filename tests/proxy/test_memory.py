"""A slow side costs buffers of a known size, not the whole body."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, read_head

Start = Callable[..., Awaitable[Upstream]]
SIZE = 100_000_000
PIECE = b"x" * 250_000
ALLOWED = 4_000_000
"""A write buffer of 512 KiB, a read of 256 KiB, and what an allocator rounds up and keeps."""


async def settled(proxy: RunningProxy) -> int:
    """Its memory once it has stopped growing."""
    last = proxy.memory
    async with asyncio.timeout(10):
        while True:
            await asyncio.sleep(0.3)
            if (now := proxy.memory) <= last:
                return now
            last = now


async def exchange_small(client: Client, name: str) -> None:
    for _ in range(50):
        assert (await client.send(head(name))).status == 200


async def test_a_slow_reader_of_a_large_reply(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        request = await connection.request()
        if request.target == "/":
            await connection.reply(b"")
            return
        await connection.write(f"HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n".encode())
        for _ in range(SIZE // len(PIECE)):
            await connection.write(PIECE)

    name = await proxy.publish((await upstream(answer)).address)
    await exchange_small(client, name)
    before = proxy.memory
    client.write(head(name, path="/large"))
    assert (await read_head(client.reader)).status == 200
    assert await settled(proxy) - before < ALLOWED
    left = SIZE
    while left:
        left -= len(await client.reader.read(1_000_000))
    assert (await client.send(head(name))).status == 200


@pytest.mark.parametrize("framing", [f"Content-Length: {SIZE}", "Transfer-Encoding: chunked"])
async def test_a_slow_taker_of_a_large_request(
    proxy: RunningProxy, upstream: Start, client: Client, framing: str
) -> None:
    release = asyncio.Event()

    async def answer(connection: Connection) -> None:
        request = await read_head(connection.reader)
        if request.target == "/":
            await connection.reply(b"")
            return
        await release.wait()
        await connection.gone()

    name = await proxy.publish((await upstream(answer)).address)
    await exchange_small(client, name)
    before = proxy.memory
    client.write(head(name, framing, method="POST", path="/large"))
    chunked = "chunked" in framing
    piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE

    async def upload() -> None:
        for _ in range(SIZE // len(PIECE)):
            client.write(piece)
            await client.writer.drain()

    sending = asyncio.ensure_future(upload())
    assert await settled(proxy) - before < ALLOWED
    assert not sending.done()
    release.set()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
