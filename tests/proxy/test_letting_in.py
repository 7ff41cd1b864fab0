"""What lets the next of those that waited follow, and what does not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.proxy.holding import held, holds, wait_in_line
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, read_head
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Connect = Callable[[], Awaitable[Client]]

FIRST = 4
CHUNKED = "Transfer-Encoding: chunked"


class Silent:
    """An application that replies to `/quick` alone, and has each other request in `arrived`."""

    def __init__(self) -> None:
        self.arrived: list[Connection] = []

    async def __call__(self, connection: Connection) -> None:
        while (await read_head(connection.reader)).target == "/quick":
            await connection.reply(b"quick")
        self.arrived.append(connection)
        await connection.gone()

    async def has(self, count: int) -> None:
        await eventually(lambda: len(self.arrived) == count)


async def dribbles(proxy: RunningProxy, name: str, client: Client) -> None:
    """It begins a body that does not end."""
    before = held(proxy, name)
    client.write(head(name, CHUNKED, method="POST") + b"1\r\na\r\n")
    await holds(proxy, name, before + 1)


async def test_requests_that_never_end_keep_nobody_out(tmp_path: Path, upstream: Start) -> None:
    running = RunningProxy(tmp_path, "--standing-seconds", "0.2", "--sweep-seconds", "0.1")
    name = await running.publish(starting=True)
    clients = [await running.connect() for _ in range(FIRST + 2)]
    for client in clients[:2]:
        await dribbles(running, name, client)
    await wait_in_line(running, name, clients[2:FIRST])
    quick, late = clients[FIRST:]
    quick.write(head(name, path="/quick"))
    await holds(running, name, FIRST + 1)
    application = Silent()
    await running.publish((await upstream(application)).address, run=name)
    assert (await quick.reply()).body == b"quick"
    assert (await late.send(head(name, path="/quick"))).body == b"quick"
    assert len(application.arrived) == FIRST
    for client in clients:
        client.abort()
    assert await asyncio.to_thread(running.stop) == 0


async def let_in(proxy: RunningProxy, upstream: Start, clients: list[Client]) -> tuple[str, Silent]:
    """Of twice as many as may go at first, those; each in the middle of its body."""
    name = await proxy.publish(starting=True)
    for client in clients:
        await dribbles(proxy, name, client)
    application = Silent()
    await proxy.publish((await upstream(application)).address, run=name)
    await application.has(FIRST)
    return name, application


async def test_a_mistake_of_a_client_is_no_failure_of_the_replica(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    clients = [await connect() for _ in range(2 * FIRST)]
    name, application = await let_in(proxy, upstream, clients)
    clients[0].write(b"no chunk\r\n")
    assert (await clients[0].reply()).status == 400
    await application.has(FIRST + 1)
    assert held(proxy, name) == FIRST - 1


async def test_a_connection_that_ends_without_a_byte_is_one(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    clients = [await connect() for _ in range(2 * FIRST)]
    name, application = await let_in(proxy, upstream, clients)
    application.arrived[0].close()
    assert await _first(clients) == 502
    assert held(proxy, name) == FIRST


async def _first(clients: list[Client]) -> int:
    """The status of the first reply to any of them."""
    waiting = [asyncio.create_task(client.reply()) for client in clients[:FIRST]]
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in others:
        each.cancel()
    return done.pop().result().status
