"""When clients, replicas or the network do not play along."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Held, Upstream
from tests.proxy.wire import Client, read_head
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n"


@pytest.mark.parametrize("beginning", [b"", STREAM], ids=["before any reply", "in mid-stream"])
async def test_a_client_that_leaves_frees_the_replica_at_once(
    proxy: RunningProxy, upstream: Start, client: Client, beginning: bytes
) -> None:
    held = Held(beginning)
    name = await proxy.publish((await upstream(held)).address)
    client.write(head(name))
    async with asyncio.timeout(5):
        await held.arrived.wait()
        if beginning:
            await read_head(client.reader)
        client.abort()
        await held.left.wait()
    await eventually(lambda: proxy.in_flight == 0)


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", STREAM])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_reply_cut_in_mid_body_does_not_look_whole(
    proxy: RunningProxy, upstream: Start, client: Client, beginning: bytes, version: str
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(beginning)

    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name, version=version))
    with pytest.raises(ConnectionResetError):
        await client.reply()


async def test_a_body_that_only_a_reset_ends_does_not_look_whole(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    release = asyncio.Event()

    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await release.wait()
        connection.reset()

    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name))
    assert (await read_head(client.reader)).status == 200
    assert await client.reader.readexactly(8) == b"3\r\nabc\r\n"
    release.set()
    with pytest.raises(ConnectionResetError):
        await client.ended()


async def test_a_silent_replica_is_a_504(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    held = Held(b"")
    name = await proxy.publish((await upstream(held)).address)
    reply = await client.send(head(name))
    assert reply.status == 504
    await asyncio.wait_for(held.left.wait(), 5)


async def test_a_silent_client_is_a_408(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    raw = head(name, "Content-Length: 9", method="POST") + b"abc"
    assert (await client.send(raw)).status == 408


async def test_a_client_that_is_silent_before_its_model_is_known_is_a_408(
    proxy: RunningProxy, client: Client
) -> None:
    raw = b"POST /proxy/models/main/chat/completions HTTP/1.1\r\nHost: a\r\n"
    raw += b'Authorization: Bearer good\r\nContent-Length: 99\r\n\r\n{"model": '
    assert (await client.send(raw)).status == 408


async def test_a_slow_reply_that_moves_has_no_limit(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def drip(connection: Connection) -> None:
        await connection.request()
        await connection.write(STREAM)
        for _ in range(8):
            await asyncio.sleep(0.25)
            await connection.write(b"1\r\na\r\n")
        await connection.write(b"0\r\n\r\n")

    name = await proxy.publish((await upstream(drip)).address)
    assert (await client.send(head(name))).body == b"a" * 9


async def test_an_early_413_reaches_the_client_in_mid_upload(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def refuse(connection: Connection) -> None:
        await read_head(connection.reader)
        await connection.reply(b"too large", status="413 Content Too Large")
        await connection.gone()

    name = await proxy.publish((await upstream(refuse)).address)
    size = 50_000_000
    client.write(head(name, f"Content-Length: {size}", method="POST"))
    upload = asyncio.ensure_future(_upload(client, size))
    reply = await client.reply()
    assert (reply.status, reply.body) == (413, b"too large")
    assert reply.get("connection") == "close"
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)


async def test_an_early_401_reaches_the_client_in_mid_upload(
    proxy: RunningProxy, client: Client
) -> None:
    size = 50_000_000
    raw = head("nothing-here", f"Content-Length: {size}", method="POST")
    client.write(raw.replace(b"good", b"bad"))
    upload = asyncio.ensure_future(_upload(client, size))
    assert (await client.reply()).status == 401
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)


async def _upload(client: Client, size: int) -> None:
    for _ in range(size // 100_000):
        client.write(b"x" * 100_000)
        await client.writer.drain()
