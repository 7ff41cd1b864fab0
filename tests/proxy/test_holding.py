"""Requests wait while no replica of their service is ready, and get its answer when one is."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from tests.proxy.conftest import SHORT
from tests.proxy.holding import (
    SmallBacklog,
    held,
    holds,
    metric,
    outcomes,
    replies,
    wait_in_line,
)
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, Message, read_head
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Connect = Callable[[], Awaitable[Client]]
COMING = [{"starting": True}, {"asleep": True}]


def code(reply: Message) -> str:
    return str(json.loads(reply.body)["code"])


def has_size(arrived: set[str], count: int) -> bool:
    return len(arrived) == count


async def some(connect: Connect, count: int) -> list[Client]:
    return [await connect() for _ in range(count)]


@pytest.mark.parametrize("coming", COMING, ids=str)
async def test_requests_wait_for_a_replica_and_are_let_in_in_order(
    proxy: RunningProxy, upstream: Start, connect: Connect, coming: dict[str, bool]
) -> None:
    arrived, replies_allowed = set[str](), asyncio.Semaphore(0)

    async def answer(connection: Connection) -> None:
        while True:
            arrived.add((await connection.request()).target)
            await replies_allowed.acquire()
            await connection.reply(b"")

    name = await proxy.publish(**coming)
    clients = await some(connect, 12)
    await wait_in_line(proxy, name, clients)
    await proxy.publish((await upstream(answer)).address, run=name)
    for count in (4, 6, 8, 10, 12):
        await eventually(partial(has_size, arrived, count))
        assert arrived == {f"/{number}" for number in range(count)}
        replies_allowed.release()
    for _ in clients:
        replies_allowed.release()
    assert {reply.status for reply in await replies(clients)} == {200}
    assert held(proxy, name) == 0


async def test_a_body_waits_with_its_request(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish(starting=True)
    body = b"x" * 1_000_000
    client.write(head(name, f"Content-Length: {len(body)}", method="POST") + body)
    await holds(proxy, name, 1)
    await proxy.publish((await upstream()).address, run=name)
    assert (await client.reply()).body == body


async def test_time_outs_of_silence_are_not_for_those_that_wait(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    name = await proxy.publish(starting=True)
    whole, partial = await some(connect, 2)
    await wait_in_line(proxy, name, [whole])
    partial.write(head(name, "Content-Length: 3", method="POST") + b"a")
    await holds(proxy, name, 2)
    silent = asyncio.get_running_loop().time() + 2 * float(
        SHORT[SHORT.index("--silent-seconds") + 1]
    )
    await eventually(lambda: asyncio.get_running_loop().time() > silent)
    await proxy.publish((await upstream()).address, run=name)
    partial.write(b"bc")
    assert [reply.body for reply in await replies([whole, partial])] == [b"", b"abc"]


async def test_a_thousand_that_wait_are_all_answered_by_a_server_with_a_small_backlog(
    proxy: RunningProxy, connect: Connect
) -> None:
    server = SmallBacklog()
    try:
        name = await proxy.publish(starting=True)
        clients = await some(connect, 1000)
        for client in clients:
            client.write(head(name))
        await holds(proxy, name, 1000)
        answered = outcomes(proxy, "answered")
        await proxy.publish(server.address, run=name)
        assert {reply.status for reply in await replies(clients)} == {200}
        assert outcomes(proxy, "answered") == answered + 1000
    finally:
        await asyncio.to_thread(server.end)


@pytest.mark.parametrize("replicas", [1, 2])
async def test_at_first_only_a_few_are_let_in_and_the_others_follow_replies(
    proxy: RunningProxy, upstream: Start, connect: Connect, replicas: int
) -> None:
    arrived, release = 0, asyncio.Event()

    async def answer(connection: Connection) -> None:
        nonlocal arrived
        while True:
            await connection.request()
            arrived += 1
            await release.wait()
            await connection.reply(b"")

    applications = [await upstream(answer) for _ in range(replicas)]
    name = await proxy.publish(starting=True)
    clients = await some(connect, 40)
    for client in clients:
        client.write(head(name))
    await holds(proxy, name, 40)
    await proxy.publish(*(each.address for each in applications), run=name)
    await eventually(lambda: arrived == 4 * replicas)
    assert held(proxy, name) == 40 - 4 * replicas
    late = await connect()
    late.write(head(name))
    await holds(proxy, name, 41 - 4 * replicas)
    release.set()
    assert {reply.status for reply in await replies([*clients, late])} == {200}
    assert sum(each.connections for each in applications) < 41


async def test_a_client_that_leaves_is_forgotten_at_once(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    application = await upstream()
    name = await proxy.publish(starting=True)
    clients = await some(connect, 3)
    left = outcomes(proxy, "left")
    await wait_in_line(proxy, name, clients)
    clients[1].abort()
    await holds(proxy, name, 2)
    assert outcomes(proxy, "left") == left + 1
    await proxy.publish(application.address, run=name)
    await replies([clients[0], clients[2]])
    assert [each.target for each in application.requests] == ["/0", "/2"]


@pytest.mark.parametrize("pipelined", [False, True])
async def test_a_client_that_leaves_is_forgotten_although_it_is_not_read(
    proxy: RunningProxy, client: Client, pipelined: bool
) -> None:
    name = await proxy.publish(starting=True)
    if pipelined:
        client.write(head(name) * 2)
    else:
        client.write(head(name, "Content-Length: 9000000", method="POST") + b"x" * 300_000)
    await holds(proxy, name, 1)
    client.abort()
    await holds(proxy, name, 0)


async def test_when_none_is_coming_any_more_all_that_wait_are_told_at_once(
    proxy: RunningProxy, connect: Connect
) -> None:
    name = await proxy.publish(starting=True)
    clients = await some(connect, 300)
    for client in clients:
        client.write(head(name))
    await holds(proxy, name, 300)
    none = outcomes(proxy, "none_coming")
    await proxy.publish(run=name)
    answers = await replies(clients)
    assert {(reply.status, code(reply)) for reply in answers} == {(503, "no_replica")}
    assert answers[0].get("retry-after") == "5"
    assert outcomes(proxy, "none_coming") == none + 300


async def test_when_the_run_ends_those_that_wait_are_told_that_there_is_none(
    proxy: RunningProxy, client: Client
) -> None:
    name = await proxy.publish(asleep=True)
    await wait_in_line(proxy, name, [client])
    await proxy.remove(name)
    reply = await client.reply()
    assert (reply.status, code(reply)) == (404, "not_found")


async def test_a_connection_goes_on_after_a_request_that_waited(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish(starting=True)
    client.write(head(name, path="/one") + head(name, path="/two"))
    await holds(proxy, name, 1)
    application = await upstream()
    await proxy.publish(application.address, run=name)
    assert [(await client.reply()).status for _ in range(2)] == [200, 200]
    assert (await client.send(head(name))).status == 200


async def test_a_websocket_waits(proxy: RunningProxy, upstream: Start, client: Client) -> None:
    async def answer(connection: Connection) -> None:
        await read_head(connection.reader)
        await connection.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
            b"Upgrade: websocket\r\n\r\n\x82\x02ab"
        )
        await connection.gone()

    name = await proxy.publish(asleep=True)
    client.write(head(name, "Connection: Upgrade", "Upgrade: websocket", "Accept: text/html"))
    await holds(proxy, name, 1)
    await proxy.publish((await upstream(answer)).address, run=name)
    assert (await read_head(client.reader)).status == 101
    assert await client.reader.readexactly(4) == b"\x82\x02ab"
    assert proxy.stats().run_in_flight[f"main/{name}"] == 1
    client.abort()
    await eventually(lambda: proxy.stats().run_finished[f"main/{name}"] == 1)
    assert proxy.stats().run_in_flight[f"main/{name}"] == 0


def call(model: str) -> bytes:
    body = json.dumps({"model": model}).encode()
    return (
        b"POST /proxy/models/main/chat/completions HTTP/1.1\r\nHost: a\r\n"
        b"Authorization: Bearer good\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )


async def test_a_call_of_a_model_waits_and_counts_for_the_service_that_is_starting(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    sleeping = await proxy.publish(model="waits", asleep=True)
    starting = await proxy.publish(model="waits", starting=True)
    client.write(call("waits"))
    await holds(proxy, starting, 1)
    stats = proxy.stats()
    assert [stats.arrived[f"main/{name}"] for name in (sleeping, starting)] == [0, 1]
    await proxy.publish((await upstream()).address, run=starting, model="waits")
    assert (await client.reply()).status == 200
    stats = proxy.stats()
    assert [stats.run_finished[f"main/{name}"] for name in (sleeping, starting)] == [0, 1]
    assert (stats.held[f"main/{starting}"], stats.arrived[f"main/{starting}"]) == (0, 1)


async def test_a_call_of_a_model_whose_run_ends_is_told_that_there_is_none(
    proxy: RunningProxy, client: Client
) -> None:
    name = await proxy.publish(model="ends", asleep=True)
    client.write(call("ends"))
    await holds(proxy, name, 1)
    await proxy.remove(name)
    reply = await client.reply()
    assert (reply.status, code(reply)) == (404, "model_not_found")


async def test_what_arrives_is_counted_once_and_what_is_in_flight_with_its_replica(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    release = asyncio.Event()

    async def answer(connection: Connection) -> None:
        await connection.request()
        await release.wait()
        await connection.reply(b"")

    name = await proxy.publish(starting=True)
    run, replica = f"main/{name}", f"{name}/r0"
    clients = await some(connect, 3)
    await wait_in_line(proxy, name, clients)
    assert proxy.stats().arrived[run] == 3
    assert metric(proxy, "perdure_proxy_held") == 3
    await proxy.publish((await upstream(answer)).address, run=name)
    await eventually(lambda: proxy.stats().in_flight[replica] == 3)
    stats = proxy.stats()
    assert (stats.arrived[run], stats.held[run], stats.run_in_flight[run]) == (3, 0, 3)
    assert metric(proxy, "perdure_proxy_requests_in_flight") == 3
    release.set()
    await replies(clients)
    stats = proxy.stats()
    assert (stats.arrived[run], stats.run_finished[run], stats.finished[replica]) == (3, 3, 3)
    assert (stats.run_in_flight[run], stats.in_flight[replica]) == (0, 0)
    await proxy.publish(run=name)
    stats = proxy.stats()
    assert (stats.run_finished[run], replica in stats.finished) == (3, False)
