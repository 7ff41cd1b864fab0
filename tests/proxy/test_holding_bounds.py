"""Requests that wait do so in bounds: of number, of time, and of memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.proxy.holding import (
    held,
    holds,
    outcomes,
    replies,
    wait_in_line,
)
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Client, Message

Start = Callable[..., Awaitable[Upstream]]
Connect = Callable[[], Awaitable[Client]]
COMING = [{"starting": True}, {"asleep": True}]


def code(reply: Message) -> str:
    return str(json.loads(reply.body)["code"])


def has_size(arrived: set[str], count: int) -> bool:
    return len(arrived) == count


async def some(connect: Connect, count: int) -> list[Client]:
    return [await connect() for _ in range(count)]


async def test_a_replica_that_refuses_just_after_it_was_ready_is_tried_again(
    proxy: RunningProxy, connect: Connect
) -> None:
    port = free_port()
    name = await proxy.publish(starting=True)
    clients = await some(connect, 5)
    await wait_in_line(proxy, name, clients)
    await proxy.publish(f"tcp://127.0.0.1:{port}", run=name)
    application = await Upstream().start(port)
    try:
        assert {reply.status for reply in await replies(clients)} == {200}
        assert {each.target for each in application.requests} == {f"/{n}" for n in range(5)}
    finally:
        await application.close()


async def test_a_replica_that_goes_on_refusing_is_an_answer_in_the_end(
    proxy: RunningProxy, connect: Connect
) -> None:
    name = await proxy.publish(starting=True)
    clients = await some(connect, 2)
    await wait_in_line(proxy, name, clients)
    await proxy.publish(f"tcp://127.0.0.1:{free_port()}", run=name)
    answers = await replies(clients)
    assert {(reply.status, code(reply)) for reply in answers} == {(502, "unreachable")}
    assert held(proxy, name) == 0


@pytest.fixture
async def bounded(tmp_path: Path) -> AsyncIterator[RunningProxy]:
    """A proxy that holds two of a service and three in all."""
    bounds = ("--held-per-service", "2", "--held-in-all", "3", "--retry-seconds", "2")
    running = RunningProxy(tmp_path, *bounds, "--sweep-seconds", "0.1")
    yield running
    assert await asyncio.to_thread(running.stop) == 0
    assert "Traceback" not in running.log.read_text()


async def test_over_the_bound_of_a_service_the_answer_says_when_to_try_again(
    bounded: RunningProxy,
) -> None:
    name = await bounded.publish(starting=True, cold_start=41.2)
    clients = [await bounded.connect() for _ in range(3)]
    await wait_in_line(bounded, name, clients[:2])
    reply = await clients[2].send(head(name))
    assert (reply.status, code(reply), reply.get("retry-after")) == (503, "starting", "42")
    assert outcomes(bounded, "over_the_bound") == 1
    assert bounded.stats().arrived[f"main/{name}"] == 3
    clients[0].abort()
    await holds(bounded, name, 1)
    await wait_in_line(bounded, name, clients[2:])
    for each in clients:
        each.abort()


async def test_over_the_bound_of_all_services_too(bounded: RunningProxy) -> None:
    names = [await bounded.publish(starting=True) for _ in range(2)]
    clients = [await bounded.connect() for _ in range(4)]
    await wait_in_line(bounded, names[0], clients[:2])
    await wait_in_line(bounded, names[1], clients[2:3])
    reply = await clients[3].send(head(names[1]))
    assert (reply.status, code(reply), reply.get("retry-after")) == (503, "starting", "2")
    for each in clients:
        each.abort()


async def test_one_address_has_half_of_the_places(tmp_path: Path) -> None:
    bounds = ("--held-per-service", "4", "--trust", "127.0.0.0/8")
    running = RunningProxy(tmp_path, *bounds)
    name = await running.publish(starting=True)
    clients = [await running.connect() for _ in range(4)]
    one, other = (f"X-Forwarded-For: 192.0.2.{number}" for number in (1, 2))
    await wait_in_line(running, name, clients[:2], one)
    reply = await clients[2].send(head(name, one))
    assert (reply.status, code(reply)) == (503, "starting")
    await wait_in_line(running, name, clients[3:], other)
    clients[0].abort()
    await holds(running, name, 2)
    await wait_in_line(running, name, clients[2:3], one)
    for each in clients:
        each.abort()
    assert await asyncio.to_thread(running.stop) == 0


async def test_over_the_time_the_answer_says_when_to_try_again(tmp_path: Path) -> None:
    limits = ("--held-seconds", "0.3", "--sweep-seconds", "0.05")
    running = RunningProxy(tmp_path, *limits)
    name = await running.publish(starting=True, cold_start=7)
    client = await running.connect()
    reply = await client.send(head(name))
    assert (reply.status, code(reply), reply.get("retry-after")) == (503, "starting", "7")
    assert outcomes(running, "over_the_time") == 1
    client.abort()
    assert await asyncio.to_thread(running.stop) == 0


async def test_a_proxy_that_ends_tells_those_that_wait(tmp_path: Path) -> None:
    running = RunningProxy(tmp_path, "--stop-seconds", "0.2")
    name = await running.publish(starting=True)
    client = await running.connect()
    await wait_in_line(running, name, [client])
    assert await asyncio.to_thread(running.stop) == 0
    reply = await client.reply()
    assert (reply.status, code(reply)) == (503, "starting")
    client.abort()


async def test_one_that_waits_costs_less_than_ten_kilobytes(
    proxy: RunningProxy, connect: Connect
) -> None:
    name = await proxy.publish(starting=True)
    warm = await some(connect, 200)
    for client in warm:
        client.write(head(name))
    await holds(proxy, name, 200)
    before = proxy.memory
    clients = await some(connect, 800)
    for client in clients:
        client.write(head(name))
    await holds(proxy, name, 1000)
    assert proxy.memory - before < 800 * 10_000
    for client in [*warm, *clients]:
        with suppress(ConnectionError):
            client.abort()
    await holds(proxy, name, 0)
