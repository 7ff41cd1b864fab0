"""WebSockets and other upgrades: after both heads, bytes both ways."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect as connect_websocket
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Handler, Upstream
from tests.proxy.wire import Client, read_head
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
HEADERS = {"Authorization": "Bearer good"}


async def chat(socket: ServerConnection) -> None:
    """Echo; `bye` closes with a code of the application's own."""
    async for message in socket:
        if message == "bye":
            await socket.close(4321, "so long")
        await socket.send(message)


@pytest.fixture
async def application() -> AsyncIterator[Server]:
    async with serve(chat, "127.0.0.1", 0, max_size=None) as server:
        yield server


@pytest.fixture
async def service(proxy: RunningProxy, application: Server) -> str:
    port = application.sockets[0].getsockname()[1]
    return await proxy.publish(f"tcp://127.0.0.1:{port}")


def dial(proxy: RunningProxy, service: str, **options: object) -> connect_websocket:
    url = proxy.url(service, "/chat?a=b").replace("http", "ws", 1)
    return connect_websocket(
        url,
        additional_headers=HEADERS,
        max_size=None,
        proxy=None,
        **options,  # type: ignore[arg-type]
    )


async def test_text_and_large_binary_messages_pass(proxy: RunningProxy, service: str) -> None:
    async with dial(proxy, service) as socket:
        await socket.send("hällo")
        assert await socket.recv() == "hällo"
        large = bytes(range(256)) * 4096
        await socket.send(large)
        assert await socket.recv() == large


async def test_ping_is_answered_by_the_application(proxy: RunningProxy, service: str) -> None:
    async with dial(proxy, service) as socket:
        await asyncio.wait_for(await socket.ping(), 5)


async def test_the_close_code_of_the_application_arrives(proxy: RunningProxy, service: str) -> None:
    async with dial(proxy, service) as socket:
        await socket.send("bye")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "so long")


async def test_it_counts_as_in_flight_until_it_ends(proxy: RunningProxy, service: str) -> None:
    async with dial(proxy, service):
        assert proxy.in_flight == 1
    await eventually(lambda: proxy.in_flight == 0)


async def test_a_stranger_gets_a_401(proxy: RunningProxy, service: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect_websocket(proxy.url(service).replace("http", "ws", 1), proxy=None):
            pass
    assert refused.value.response.status_code == 401


async def test_a_draining_replica_closes_after_its_grace(proxy: RunningProxy, service: str) -> None:
    async with dial(proxy, service) as socket:
        await proxy.drain(service)
        await socket.send("still here")
        assert await socket.recv() == "still here"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    await eventually(lambda: proxy.in_flight == 0)


async def test_the_close_frame_comes_after_the_frame_under_way(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await read_head(connection.reader)
        await connection.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
            b"Upgrade: websocket\r\n\r\n\x82\x05ab"
        )
        assert (await connection.reader.readexactly(8)).startswith(b"\x88\x82")
        await connection.write(b"cde\x82\x01z")
        await connection.gone()

    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name, "Connection: Upgrade", "Upgrade: websocket"))
    assert (await read_head(client.reader)).status == 101
    assert await client.reader.readexactly(4) == b"\x82\x05ab"
    await proxy.drain(name)
    assert await client.reader.readexactly(7) == b"cde\x88\x02\x03\xe9"
    client.write(b"\x88\x80\0\0\0\0")
    assert await client.ended() == b""


UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
CLOSE = b"\x88\x02\x03\xe9"


async def websocket(proxy: RunningProxy, upstream: Start, client: Client, handler: Handler) -> str:
    """A WebSocket of bare frames to an application that goes on as `handler` does; its run."""

    async def answer(connection: Connection) -> None:
        await read_head(connection.reader)
        await connection.write(UPGRADED)
        await handler(connection)

    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name, "Connection: Upgrade", "Upgrade: websocket"))
    assert (await read_head(client.reader)).status == 101
    return name


async def test_what_the_client_has_under_way_does_not_cost_it_the_close_frame(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def close_at_once(connection: Connection) -> None:
        async with asyncio.timeout(10):
            while b"\x88\x82" not in await connection.reader.read(2**16):
                pass

    name = await websocket(proxy, upstream, client, close_at_once)
    frame = b"\x82\xfe\xff\xff" + bytes(4) + bytes(65535)
    await proxy.drain(name)

    async def send() -> None:
        for _ in range(20):
            client.write(frame)
            await client.writer.drain()

    # It sends on without reading, also after the close frame and the application's end.
    await eventually(sent_until(proxy, send))
    client.write(b"\x88\x80\0\0\0\0")
    assert await client.ended() == CLOSE


def sent_until(
    proxy: RunningProxy, send: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[bool]]:
    """Sends on; whether nothing is in flight by now."""

    async def over() -> bool:
        await send()
        return proxy.in_flight == 0

    return over


async def test_nothing_stays_open_when_nobody_answers_the_close_frame(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    left = asyncio.Event()

    async def deaf(connection: Connection) -> None:
        await connection.gone()
        left.set()

    name = await websocket(proxy, upstream, client, deaf)
    await proxy.drain(name)
    assert await client.reader.readexactly(4) == CLOSE
    async with asyncio.timeout(10):
        await left.wait()
        with suppress(ConnectionResetError):
            assert await client.reader.read() == b""
    assert proxy.in_flight == 0


async def test_an_application_is_told_although_its_client_leaves_first(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    told, ended = bytearray(), asyncio.Event()

    async def slow(connection: Connection) -> None:
        told.extend(await connection.reader.readexactly(8))
        client.abort()
        await eventually(client.writer.transport.is_closing)
        await connection.write(b"\x82\x01a\x88\x02\x03\xe9")
        told.extend(await connection.reader.read())
        ended.set()

    name = await websocket(proxy, upstream, client, slow)
    await proxy.drain(name)
    async with asyncio.timeout(10):
        await ended.wait()
    assert (bytes(told[:2]), len(told)) == (b"\x88\x82", 8)
    await eventually(lambda: proxy.in_flight == 0)


async def test_other_upgrades_end_with_the_grace(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await read_head(connection.reader)
        await connection.write(UPGRADED.replace(b"websocket", b"perdure-test") + b"hello")
        await connection.gone()

    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name, "Connection: Upgrade", "Upgrade: perdure-test"))
    assert (await read_head(client.reader)).status == 101
    await proxy.drain(name)
    assert await client.ended() == b"hello"
    await eventually(lambda: proxy.in_flight == 0)


async def test_bytes_sent_with_the_upgrade_request_arrive(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        request = await read_head(connection.reader)
        assert request.get("upgrade") == "perdure-test"
        await connection.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
            b"Upgrade: perdure-test\r\n\r\nhello"
        )
        await connection.write(await connection.reader.readexactly(5))

    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name, "Connection: upgrade", "Upgrade: perdure-test") + b"early")
    assert (await read_head(client.reader)).get("upgrade") == "perdure-test"
    assert await client.ended() == b"helloearly"


async def test_a_refused_upgrade_is_a_reply_like_any_other(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def refuse(connection: Connection) -> None:
        await read_head(connection.reader)
        await connection.reply(b"no", status="426 Upgrade Required")

    name = await proxy.publish((await upstream(refuse)).address)
    reply = await client.send(head(name, "Connection: upgrade", "Upgrade: websocket"))
    assert (reply.status, reply.body) == (426, b"no")
    assert await client.ended() == b""


async def test_when_the_application_vanishes_so_does_the_websocket(
    proxy: RunningProxy, service: str, application: Server
) -> None:
    async with dial(proxy, service) as socket:
        for connection in application.connections:
            connection.transport.abort()
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_a_proxy_that_is_told_to_stop_closes_in_good_order(
    tmp_path: Path, application: Server
) -> None:
    running = RunningProxy(tmp_path)
    name = await running.publish(f"tcp://127.0.0.1:{application.sockets[0].getsockname()[1]}")
    async with dial(running, name) as socket:
        running.signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert await asyncio.to_thread(running.stop) == 0
