"""Bodies of requests that wait: they cost what they have, and have one budget."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from proxy.collection import PIECE
from proxy.held_bodies import FREE, HeldBodies
from tests.proxy.holding import holds, metric, outcomes
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Client
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Connect = Callable[[], Awaitable[Client]]

MOST = 200_000
BODY = b"x" * (FREE + MOST // 2 + 1)
CHUNKED = "Transfer-Encoding: chunked"


def post(name: str, body: bytes, whole: int = 0) -> bytes:
    """A request, or the beginning of one whose body has `whole` bytes."""
    return head(name, f"Content-Length: {whole or len(body)}", method="POST") + body


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[RunningProxy]:
    """A proxy that holds one `BODY`, and not two."""
    running = RunningProxy(tmp_path, "--held-bodies-bytes", str(MOST), "--sweep-seconds", "0.1")
    yield running
    assert await asyncio.to_thread(running.stop) == 0
    assert "Traceback" not in running.log.read_text()


async def has_kept(proxy: RunningProxy, size: int) -> None:
    """Wait until bodies count so much."""
    await eventually(lambda: metric(proxy, "perdure_proxy_held_bodies_bytes") == size)


async def test_they_share_a_budget_and_small_ones_need_none(
    narrow: RunningProxy, upstream: Start
) -> None:
    name = await narrow.publish(starting=True, cold_start=9)
    first, second, small = [await narrow.connect() for _ in range(3)]
    first.write(post(name, BODY))
    await has_kept(narrow, len(BODY) - FREE)
    refused = await second.send(post(name, BODY))
    assert (refused.status, refused.get("retry-after")) == (503, "9")
    assert json.loads(refused.body)["code"] == "starting"
    assert outcomes(narrow, "over_the_bound") == 1
    small.write(post(name, b"small"))
    await holds(narrow, name, 2)
    await narrow.publish((await upstream()).address, run=name)
    assert [(await each.reply()).body for each in (first, small)] == [BODY, b"small"]
    await has_kept(narrow, 0)
    for each in (first, second, small):
        each.abort()


async def test_one_that_grows_past_the_budget_is_told(narrow: RunningProxy) -> None:
    name = await narrow.publish(starting=True)
    first, second = [await narrow.connect() for _ in range(2)]
    first.write(post(name, BODY))
    await has_kept(narrow, len(BODY) - FREE)
    second.write(post(name, b"y", len(BODY)))
    await holds(narrow, name, 2)
    refused = await second.send(BODY[1:])
    assert refused.status == 503
    first.abort()
    await holds(narrow, name, 0)
    await has_kept(narrow, 0)
    second.abort()


async def test_what_comes_behind_a_request_counts_with_it(narrow: RunningProxy) -> None:
    name = await narrow.publish(starting=True)
    client = await narrow.connect()
    client.write(head(name) + post(name, BODY))
    await has_kept(narrow, len(BODY) - FREE)
    client.abort()
    await has_kept(narrow, 0)


async def test_a_body_in_drops_costs_no_more_than_its_bytes(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    drops = 120_000
    name = await proxy.publish(starting=True)
    clients = [await connect() for _ in range(6)]
    before = proxy.memory
    for number, client in enumerate(clients):
        client.write(head(name, CHUNKED, method="POST") + b"2\r\nab\r\n" * drops)
        await has_kept(proxy, (number + 1) * (2 * drops - FREE))
    assert proxy.memory - before < len(clients) * 2_000_000
    await proxy.publish((await upstream()).address, run=name)
    for client in clients:
        client.write(b"0\r\n\r\n")
    assert {(await client.reply()).body for client in clients} == {b"ab" * drops}


def test_what_is_charged_is_freed_once() -> None:
    bodies, first, second = HeldBodies(MOST), object(), object()
    assert bodies.charge(first, FREE)
    assert bodies.taken == 0
    assert bodies.charge(first, FREE + MOST)
    assert bodies.charge(second, FREE)
    assert not bodies.charge(second, FREE + PIECE)
    assert bodies.charge(first, FREE + 1)
    assert bodies.taken == 1
    for _ in range(2):
        bodies.free(first)
        assert bodies.taken == 0
