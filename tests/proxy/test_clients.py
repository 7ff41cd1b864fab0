"""So many connections of clients: those without a request make room for others."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from proxy.descriptors import RESERVED, for_clients
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
CAPACITY = 4


@pytest.fixture
async def crowded(tmp_path: Path) -> AsyncIterator[RunningProxy]:
    """A proxy that has room for few."""
    limits = ("--client-connections", str(CAPACITY), "--stop-seconds", "0.1")
    running = RunningProxy(tmp_path, *limits)
    yield running
    assert await asyncio.to_thread(running.stop) == 0
    assert "Traceback" not in running.log.read_text()


async def gone(client: Client) -> None:
    """Wait until the proxy has closed it, without a word."""
    with suppress(ConnectionResetError):
        assert await client.ended() == b""


async def test_the_oldest_that_waits_for_a_head_makes_room(
    crowded: RunningProxy, upstream: Start
) -> None:
    name = await crowded.publish((await upstream()).address)
    half = [await crowded.connect() for _ in range(2)]
    for each in half:
        each.write(b"GET / HT")
    idle = await crowded.connect()
    assert (await idle.send(head(name))).status == 200
    half.append(await crowded.connect())
    fresh = []
    for each in half[:2]:
        fresh.append(await crowded.connect())
        assert (await fresh[-1].send(head(name))).status == 200
        await gone(each)
    assert (await idle.send(head(name))).status == 200
    for each in (*half, *fresh, idle):
        each.abort()


async def test_a_flood_of_halves_keeps_nobody_out(crowded: RunningProxy, upstream: Start) -> None:
    name = await crowded.publish((await upstream()).address)
    flood = [await crowded.connect() for _ in range(50)]
    for each in flood:
        each.write(b"GET / HT")
    for _ in range(10):
        client = await crowded.connect()
        assert (await client.send(head(name))).status == 200
        client.abort()
    for each in flood:
        each.abort()


async def test_requests_under_way_are_never_given_up_for_others(
    crowded: RunningProxy, upstream: Start
) -> None:
    release = asyncio.Event()

    async def answer(connection: Connection) -> None:
        await connection.request()
        await release.wait()
        await connection.reply(b"done")

    name = await crowded.publish((await upstream(answer)).address)
    busy = [await crowded.connect() for _ in range(CAPACITY)]
    for each in busy:
        each.write(head(name))
    await eventually(lambda: crowded.in_flight == CAPACITY)
    refused = await crowded.connect()
    await gone(refused)
    release.set()
    for each in busy:
        assert (await each.reply()).body == b"done"
        each.abort()
    refused.abort()


def test_the_limit_of_open_files_is_raised(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        running = RunningProxy(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert psutil.Process(running.process.pid).rlimit(psutil.RLIMIT_NOFILE)[0] == hard
    assert running.stop() == 0


@pytest.mark.parametrize(("descriptors", "clients"), [(RESERVED + 300, 100), (10, 1)])
def test_clients_get_a_third_of_what_is_left(descriptors: int, clients: int) -> None:
    assert for_clients(descriptors) == clients
