"""Routes from Temporal, tokens from the internal API."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

from temporalio.client import Client as Temporal

from engine.converter import PublicCodec, SealingCodec
from engine.ids import ROUTE_MEMO, Message
from spec.feed import Feed
from spec.names import run_id
from spec.route import TokenGrant
from tests.engine.fixed_keys import fixed
from tests.proxy.conftest import Live
from tests.proxy.fake_api import FakeApi
from tests.proxy.following import applied, ask, begin, has, has_read, ready, table
from tests.proxy.temporal_server import when_ready
from tests.proxy.upstream import Upstream
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]


async def test_a_run_is_followed_through_all_its_lives(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    address = (await upstream()).address
    run = await begin(temporal, table("lives", 1))
    process = live()
    await ready(process)
    await has(process, "lives", 1)
    assert await ask(process, "lives") == 503

    await run.signal("publish", table("lives", 2, address))
    await has(process, "lives", 2)
    assert await ask(process, "lives") == 200

    await run.signal("renew")
    await run.signal("publish", table("lives", 3, address))
    await has(process, "lives", 3)
    report = await asyncio.to_thread(process.manage.get, "/admin/routes?verify=1")
    assert report.json()["differs"] == []

    await run.signal("end")
    await has(process, "lives", None)
    assert await ask(process, "lives") == 404

    run = await begin(temporal, table("lives", 1, address))
    await has(process, "lives", 1)
    assert await ask(process, "lives") == 200
    await run.signal("end")


async def test_a_new_run_is_known_at_its_first_request(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    process = live(anti_entropy=60)
    await ready(process)
    assert await ask(process, "never") == 404
    run = await begin(temporal, table("fresh", 1, (await upstream()).address))
    await run.query(Message.GET_ROUTE)
    assert await ask(process, "fresh", token="other") == 403
    assert process.stats().tables == {}
    assert await ask(process, "fresh") == 200
    await run.signal("end")


async def test_the_feed_tells_of_tokens_and_of_new_runs(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    process = live(anti_entropy=60)
    await ready(process)
    boot = process.stats().boot
    run = await begin(temporal, table("told", 1, (await upstream()).address))
    grant = TokenGrant(sha256=sha256(b"new").hexdigest(), projects=("main",))
    await run.query(Message.GET_ROUTE)
    await api.say(Feed(seq=2, tokens=(grant,), started=applied("told")))
    await eventually(lambda: api.leases[boot].feed == 2)
    assert process.stats().tables["main/told"].version == 1
    assert api.leases[boot].stats == f"tcp://127.0.0.1:{process.manage_port}"
    assert await ask(process, "told", token="new") == 200
    await api.say(Feed(seq=3, revoked=(grant.sha256,)))
    await eventually(lambda: process.stats().feed == 3)
    assert await ask(process, "told", token="new") == 401
    assert await ask(process, "told") == 200
    await run.signal("end")


async def test_a_run_applied_again_at_once_is_not_forgotten_with_its_last_life(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    address = (await upstream()).address
    process = live(anti_entropy=60)
    await ready(process)
    for life in range(4):
        run = await begin(temporal, table("again", life + 1, address))
        await run.query(Message.GET_ROUTE)
        await api.say(Feed(seq=2 + life, started=applied("again")))
        await eventually(partial(has_read, process, 2 + life))
        assert await ask(process, "again") == 200
        await run.signal("end")
        await run.result()
    await has(process, "again", None)


async def test_routes_that_others_write_are_not_followed(
    temporal: Temporal, codec: PublicCodec, api: FakeApi, live: Live, upstream: Start
) -> None:
    address = (await upstream()).address
    process = live()
    await ready(process)
    run = await begin(temporal, table("ours", 1, address))
    await has(process, "ours", 1)
    forger = await when_ready(SealingCodec(fixed(bytes(32)), fixed(bytes(32))))
    await forger.get_workflow_handle(run_id("main", "ours")).signal(
        "publish", table("ours", 2, "tcp://127.0.0.1:1")
    )
    memo = {ROUTE_MEMO: table("forged", 1, address)}
    ids = [run_id("main", "forged"), run_id("main", "other")]
    strangers = [
        await client.start_workflow("Stranger", id=workflow, task_queue="nobody", memo=memo)
        for client, workflow in zip((forger, temporal), ids, strict=True)
    ]
    await api.say(Feed(seq=2, started=(*applied("forged"), *applied("other"))))
    await eventually(partial(has_read, process, 2))
    await run.signal("publish", table("ours", 3, address))
    await has(process, "ours", 3)
    assert list(process.stats().tables) == ["main/ours"]
    assert await ask(process, "ours") == 200
    await run.signal("end")
    for each in strangers:
        await each.terminate()


async def test_the_table_is_repaired_from_the_list(
    temporal: Temporal, api: FakeApi, live: Live
) -> None:
    process = live()
    await ready(process)
    run = await begin(temporal, table("listed", 1))
    await has(process, "listed", 1)
    await run.terminate()
    await has(process, "listed", None)


async def test_a_life_that_began_earlier_by_a_clock_that_was_set_back_is_followed(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    now = datetime.now(UTC)
    run = await begin(temporal, table("clocks", 9, incarnation="one", started_at=now))
    process = live(anti_entropy=60)
    await ready(process)
    await has(process, "clocks", 9)
    assert process.stop() == 0
    await run.signal("end")
    await run.result()
    earlier, address = now - timedelta(days=1), (await upstream()).address
    first = table("clocks", 1, address, incarnation="two", started_at=earlier)
    run = await begin(temporal, first)
    process = live(anti_entropy=60)
    await ready(process)
    await has(process, "clocks", 1)
    await run.signal("publish", first.model_copy(update={"version": 2}))
    await has(process, "clocks", 2)
    assert await ask(process, "clocks") == 200
    await run.signal("end")
