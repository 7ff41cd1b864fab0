"""Which replica gets a request, and which one the next when that cannot be reached."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256

import psutil
import pytest

from tests.ports import free_port
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Held, Upstream, answering
from tests.proxy.wire import Client
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Connect = Callable[[], Awaitable[Client]]


@contextmanager
def full() -> Iterator[tuple[str, socket.socket]]:
    """A listening socket with a full queue, and its address: who knocks gets no answer."""
    with ExitStack() as sockets:
        queue = sockets.enter_context(socket.socket())
        queue.bind(("127.0.0.1", 0))
        queue.listen(0)
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(queue.getsockname())
        yield f"tcp://127.0.0.1:{queue.getsockname()[1]}", queue


def knocks(process: psutil.Process, port: int) -> bool:
    """Whether it has asked for a connection to this port, and heard nothing."""
    return any(
        each.status == psutil.CONN_SYN_SENT and each.raddr.port == port
        for each in process.net_connections()
    )


async def test_a_kept_connection_that_was_just_closed_is_nobodys_problem(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream(answering())
    name = await proxy.publish(application.address)
    for _ in range(50):
        assert (await client.send(head(name))).status == 200


async def test_a_request_with_a_body_is_never_sent_twice(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    arrived = 0

    async def answer_first(connection: Connection) -> None:
        nonlocal arrived
        await connection.request()
        await connection.reply(b"x")
        await connection.request()
        arrived += 1

    name = await proxy.publish((await upstream(answer_first)).address)
    assert (await client.send(head(name))).status == 200
    reply = await client.send(head(name, "Content-Length: 1", method="POST") + b"x")
    assert (reply.status, arrived) == (502, 1)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_replica_that_cannot_be_reached_is_replaced_by_another(
    proxy: RunningProxy, upstream: Start, client: Client, method: str
) -> None:
    application = await upstream()
    gone = f"tcp://127.0.0.1:{free_port()}"
    name = await proxy.publish(gone, application.address, gone.replace("127.0.0.1", "127.0.0.2"))
    for _ in range(20):
        raw = head(name, "Content-Length: 3", method=method) + b"abc"
        assert (await client.send(raw)).body == b"abc"


async def test_a_silent_address_costs_half_a_second_and_is_then_avoided(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    with full() as (silent, _):
        name = await proxy.publish(silent, (await upstream()).address)
        async with asyncio.timeout(5):  # half of them would cost 7.5 s
            for _ in range(30):
                assert (await client.send(head(name))).status == 200


async def test_the_last_replica_is_given_the_second_that_a_full_queue_costs(
    proxy: RunningProxy, client: Client
) -> None:
    application = Upstream()
    with full() as (address, queue):
        name = await proxy.publish(address)
        client.write(head(name))
        process, port = psutil.Process(proxy.process.pid), queue.getsockname()[1]
        await eventually(lambda: knocks(process, port))
        server = await asyncio.start_server(application.accept, sock=queue)
        assert (await client.reply()).status == 200
        server.close()
    await application.end_connections()


async def test_after_an_answer_of_ours_the_connection_takes_the_next_request(
    proxy: RunningProxy, client: Client
) -> None:
    with full() as (address, _):
        name = await proxy.publish(address)
        body = b"x" * 270_000
        client.write(head(name, f"Content-Length: {len(body)}", method="POST") + body[:250_000])
        await asyncio.sleep(0.1)
        client.write(body[250_000:])  # more than waits for a connection, and all that there is
        assert (await client.reply()).status == 502
        assert (await client.send(head(name).replace(b"good", b"bad"))).status == 401


async def test_when_no_replica_can_be_reached_the_answer_is_502(
    proxy: RunningProxy, client: Client
) -> None:
    name = await proxy.publish(*(f"tcp://127.0.0.1:{free_port()}" for _ in range(2)))
    for _ in range(3):
        reply = await client.send(head(name))
        assert reply.status == 502
        assert b'"code": "unreachable"' in reply.body


async def test_the_last_replica_is_never_ejected(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    port = free_port()
    name = await proxy.publish(f"tcp://127.0.0.1:{port}")
    for _ in range(3):
        assert (await client.send(head(name))).status == 502
    application = await Upstream().start(port)
    assert (await client.send(head(name))).status == 200
    await application.close()


async def test_requests_go_to_the_replica_with_the_fewest(
    proxy: RunningProxy, upstream: Start, client: Client, connect: Connect
) -> None:
    held, free = Held(b""), await upstream()
    name = await proxy.publish((await upstream(held)).address, free.address)
    waiting = []
    while not held.arrived.is_set():
        waiting.append(await connect())
        waiting[-1].write(head(name))
        with_reply = asyncio.ensure_future(waiting[-1].reader.read(1))
        arrived = asyncio.ensure_future(held.arrived.wait())
        await asyncio.wait((with_reply, arrived), return_when=asyncio.FIRST_COMPLETED)
        with_reply.cancel()
        arrived.cancel()
    before = len(free.requests)
    for _ in range(20):
        assert (await client.send(head(name))).status == 200
    assert len(free.requests) == before + 20
    for each in waiting:
        each.abort()


async def test_requests_in_flight_on_a_draining_replica_go_on(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    release, arrived = asyncio.Event(), asyncio.Event()

    async def answer(connection: Connection) -> None:
        await connection.request()
        arrived.set()
        await release.wait()
        await connection.reply(b"late")

    other = await upstream()
    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name))
    await arrived.wait()
    await proxy.publish(other.address, run=name)
    await proxy.drain(name)
    await proxy.remove(name)
    assert proxy.in_flight == 1
    release.set()
    assert (await client.reply()).body == b"late"
    await eventually(lambda: proxy.in_flight == 0)


async def test_an_address_that_comes_back_for_another_replica_is_reached_anew(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    first = await proxy.publish(application.address)
    assert (await client.send(head(first))).status == 200
    await proxy.remove(first)
    second = await proxy.publish(application.address)
    assert (await client.send(head(second))).status == 200
    assert application.connections == 2


async def test_a_tunnel_is_reached_by_the_hash_of_its_address(
    proxy: RunningProxy, client: Client
) -> None:
    address = "ssh://perdure@10.0.0.7:22#ssh-ed25519 AAAA/172.30.0.9:8000"
    proxy.tunnels.mkdir()
    path = proxy.tunnels / f"{sha256(address.encode()).hexdigest()[:32]}.sock"
    failing = iter((True, False))

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        if next(failing, False):  # as `ssh -L` with nobody behind it
            await connection.request()
        else:
            await connection.request()
            await connection.reply(b"through")
        connection.close()

    server = await asyncio.start_unix_server(accept, path)
    name = await proxy.publish(address)
    assert (await client.send(head(name))).body == b"through"
    server.close()
    await server.wait_closed()
