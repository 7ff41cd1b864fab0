"""A run that sleeps is woken by the requests that wait for it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import Client as Temporal
from temporalio.client import WorkflowHandle

from spec.run import WakeNote
from tests.proxy.conftest import Live
from tests.proxy.fake_api import FakeApi
from tests.proxy.following import begin, has, ready, table
from tests.proxy.holding import holds, metric
from tests.proxy.running import head
from tests.proxy.temporal_server import TemporalServer
from tests.proxy.upstream import Upstream
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Run = WorkflowHandle[object, object]


def asleep(run: str, version: int = 1, *addresses: str, **fields: Any) -> Any:
    return table(run, version, *addresses, asleep=not addresses, incarnation="life", **fields)


async def woken(run: Run) -> int:
    """How often; by whom it was told which life they mean."""
    notes: list[str] = await run.query("woken")
    assert set(notes) <= {"life"}
    return len(notes)


async def is_woken(run: Run) -> bool:
    return await woken(run) > 0


async def test_a_request_wakes_the_run_by_a_signal_and_waits_for_its_replica(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    run = await begin(temporal, asleep("sleeper"))
    process = live()
    await ready(process)
    await has(process, "sleeper", 1)
    client = await process.connect()
    client.write(head("sleeper"))
    await eventually(lambda: is_woken(run))
    await holds(process, "sleeper", 1)
    await run.signal("publish", asleep("sleeper", 2, (await upstream()).address))
    assert (await client.reply()).status == 200
    assert api.woken == []
    client.abort()
    await run.signal("end")


async def test_it_is_woken_again_each_second_while_it_sleeps_and_somebody_waits(
    temporal: Temporal, api: FakeApi, live: Live
) -> None:
    run = await begin(temporal, asleep("deep"))
    process = live()
    await ready(process)
    await has(process, "deep", 1)
    began = asyncio.get_running_loop().time()
    clients = [await process.connect() for _ in range(20)]
    for each in clients:
        each.write(head("deep"))

    async def thrice() -> bool:
        return await woken(run) >= 3

    await eventually(thrice)
    took = asyncio.get_running_loop().time() - began
    assert await woken(run) <= 1 + took
    await run.signal("publish", table("deep", 2, starting=True))
    await has(process, "deep", 2)
    told = 'perdure_proxy_wakes_total{outcome="told"}'
    before = metric(process, told)
    await run.signal("publish", asleep("deep", 3))
    await has(process, "deep", 3)
    await eventually(lambda: metric(process, told) > before)
    for each in clients:
        each.abort()
    await holds(process, "deep", 0)
    await run.signal("end")


async def test_a_page_load_wakes_it_although_it_does_not_wait(
    temporal: Temporal, api: FakeApi, live: Live
) -> None:
    run = await begin(temporal, asleep("page"))
    process = live()
    await ready(process)
    await has(process, "page", 1)
    client = await process.connect()
    reply = await client.send(head("page", "Sec-Fetch-Mode: navigate"))
    assert (reply.status, reply.get("content-type")) == (503, "text/html; charset=utf-8")
    await eventually(lambda: is_woken(run))
    client.abort()
    await run.signal("end")


async def test_nobody_wakes_a_run_that_is_starting(
    temporal: Temporal, api: FakeApi, live: Live
) -> None:
    run = await begin(temporal, table("starts", 1, starting=True))
    process = live()
    await ready(process)
    await has(process, "starts", 1)
    client = await process.connect()
    client.write(head("starts"))
    await holds(process, "starts", 1)
    assert [
        metric(process, f'perdure_proxy_wakes_total{{outcome="{each}"}}')
        for each in ("told", "failed")
    ] == [0, 0]
    client.abort()
    await run.signal("end")


async def test_while_temporal_is_away_it_is_woken_through_an_api(
    temporal: Temporal, server: TemporalServer, api: FakeApi, live: Live
) -> None:
    name = "away"
    run = await begin(temporal, asleep(name))
    process = live()
    await ready(process)
    await has(process, name, 1)
    server.process.send_signal(signal.SIGSTOP)
    try:
        client = await process.connect()
        client.write(head(name))
        await eventually(lambda: len(api.woken) >= 1)
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert api.woken[0] == (f"main/{name}", WakeNote(incarnation="life"))
    client.abort()
    await run.signal("end")


async def test_when_neither_takes_it_that_is_said_once(
    temporal: Temporal, server: TemporalServer, api: FakeApi, live: Live
) -> None:
    run = await begin(temporal, asleep("nobody"))
    process = live()
    await ready(process)
    await has(process, "nobody", 1)
    await api.close()
    server.process.send_signal(signal.SIGSTOP)
    failed = 'perdure_proxy_wakes_total{outcome="failed"}'
    try:
        client = await process.connect()
        client.write(head("nobody"))
        await eventually(lambda: metric(process, failed) >= 2)
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert process.log.read_text().count("could be told to wake main/nobody") == 1
    await eventually(lambda: is_woken(run))
    client.abort()
    await run.signal("end")
