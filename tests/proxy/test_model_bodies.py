"""Bodies of models' requests: held as a whole, searched in turns, within a budget."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from proxy.collection import FREE, PIECE, Budget, Collection
from proxy.limits import Limits
from tests.proxy.running import RunningProxy, head
from tests.proxy.test_models import call
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, read_head
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Connect = Callable[[], Awaitable[Client]]

SIZE = 20_000_000
FINE = b'{"model": "nope", "a": [' + b"[]," * (SIZE // 3) + b"[]]}"
"""A tree of half a gigabyte, if somebody built it."""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 10_000, 400),
        (b"[" * 200_000, 400),
        (b'{"model": "nope", "a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400),
        (b'{"model": "\\ud800"}', 404),
        (b'{"model": "\\ud800", "a": "' + b"x" * 100_000 + b'"}', 404),
        (b'{"model": "nope", "a": "' + b"x" * 100_000 + b'"}', 404),
        (b'{"model": "nope", "a": "' + b"x" * 100_000, 400),
    ],
)
async def test_whatever_the_body_is_there_is_an_answer(
    client: Client, body: bytes, status: int
) -> None:
    for _ in range(2):
        assert (await client.send(call(body))).status == status


async def test_a_large_body_goes_through_byte_for_byte(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    await proxy.publish((await upstream()).address, model="large")
    text = b"x y\\n" * 200_000
    body = b'{"a": ["%b", {"model": "x"}], "model": "large", "b": "%b"}' % (text, text)
    for _ in range(2):
        assert (await client.send(call(body))).body == body


async def test_while_one_body_is_searched_others_are_served_and_no_tree_is_built(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    name = await proxy.publish((await upstream()).address)
    large, small = await connect(), await connect()
    await small.send(head(name))
    before = proxy.memory
    large.write(call(FINE))
    await large.writer.drain()
    reply = asyncio.ensure_future(large.reply())
    for _ in range(200):
        assert (await small.send(head(name))).status == 200
        assert proxy.memory - before < 1.5 * SIZE
    assert not reply.done()
    reply.cancel()
    large.abort()


def test_pieces_cost_no_more_than_the_body() -> None:
    collection = Collection(Budget(Limits()), lambda: None)
    pieces: list[bytes] = []
    for size in range(2, 200_000, 2):
        pieces.append(b"ab")
        assert collection.grow(pieces, size) is None
    assert len(pieces) <= 200_000 / PIECE + 1
    assert b"".join(pieces) == b"ab" * 99_999


def test_what_is_counted_is_freed_once() -> None:
    budget = Budget(Limits(model_body_bytes=3 * FREE, model_bodies_bytes=3 * FREE))
    first, second = (Collection(budget, lambda: None) for _ in range(2))
    assert first.grow([], FREE) is None
    assert budget.taken == 0
    assert first.grow([], 3 * FREE) is None
    assert second.grow([], 2 * FREE) is None
    assert budget.taken == 3 * FREE
    refused = second.grow([], 2 * FREE + 1)
    assert refused is not None
    assert refused.status == 503
    too_large = first.grow([], 3 * FREE + 1)
    assert too_large is not None
    assert too_large.status == 413
    for _ in range(2):
        first.free()
        assert budget.taken == FREE
    second.free()
    assert budget.taken == 0


BODY = b'{"model": "m", "a": "' + b"x" * SIZE + b'"}'


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[RunningProxy]:
    """A proxy in which one large body fills the budget."""
    running = RunningProxy(tmp_path, "--model-bodies-bytes", str(len(BODY)))
    yield running
    assert await asyncio.to_thread(running.stop) == 0


def held(proxy: RunningProxy) -> float:
    """Bytes of models' requests, by the proxy's own count."""
    lines = proxy.manage.get("/metrics").text.splitlines()
    return float(next(each for each in lines if each.startswith(HELD)).removeprefix(HELD))


HELD = "perdure_proxy_model_bodies_bytes "
ALL = len(BODY) - FREE


async def test_large_bodies_share_a_budget_and_small_ones_need_none(
    narrow: RunningProxy, upstream: Start
) -> None:
    await narrow.publish((await upstream()).address, model="m")
    first, second, third = [await narrow.connect() for _ in range(3)]
    first.write(call(BODY)[:-1])
    await eventually(lambda: held(narrow) == ALL - 1)
    refused = await second.send(call(BODY))
    assert (refused.status, refused.get("retry-after")) == (503, "1")
    assert (await third.send(call(b'{"model": "m"}'))).status == 200
    assert (await first.send(BODY[-1:])).body == BODY
    assert (await third.send(call(BODY))).body == BODY
    assert held(narrow) == 0
    for each in (first, second, third):
        each.abort()


async def test_a_client_that_leaves_gives_its_share_back(
    narrow: RunningProxy, upstream: Start
) -> None:
    await narrow.publish((await upstream()).address, model="m")
    first, second = [await narrow.connect() for _ in range(2)]
    first.write(call(BODY)[:-1])
    await eventually(lambda: held(narrow) == ALL - 1)
    first.abort()
    await eventually(lambda: held(narrow) == 0)
    assert (await second.send(call(BODY))).body == BODY
    second.abort()


async def test_a_body_is_held_until_its_replica_has_taken_it(
    narrow: RunningProxy, upstream: Start
) -> None:
    take = asyncio.Event()

    async def answer(connection: Connection) -> None:
        await read_head(connection.reader)
        await take.wait()
        await connection.gone()

    await narrow.publish((await upstream(answer)).address, model="m")
    client = await narrow.connect()
    client.write(call(BODY))
    await eventually(lambda: narrow.in_flight == 1)
    assert held(narrow) == ALL
    take.set()
    await eventually(lambda: held(narrow) == 0)
    assert narrow.in_flight == 1
    client.abort()


async def test_a_replica_that_answers_without_taking_the_body_is_let_go(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    async def answer(connection: Connection) -> None:
        await read_head(connection.reader)
        await connection.reply(b"enough")
        await asyncio.Event().wait()

    await proxy.publish((await upstream(answer)).address, model="early")
    before = proxy.memory
    for _ in range(4):
        client = await connect()
        reply = await client.send(call(BODY.replace(b'"m"', b'"early"')))
        assert reply.body == b"enough"
        client.abort()
    await eventually(lambda: proxy.memory - before < 2 * SIZE)
