"""A drain is over when no proxy sends anything any more, or when its time is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.drains import UNKNOWN, Drains
from perdure.errors import Unavailable
from perdure.settings import Settings
from spec.deeds import DrainOrder, DrainReport
from spec.feed import ProxyLease, ProxyStats, TableMark
from store.proxies import Proxies
from store.setup import set_up
from store.store import Store, open_store
from tests.store.conftest import Clock
from tests.testbed.stats_server import answering, answering_at_a_port

LIFE = "0123456789ab"
KNOWS = {"main/web": TableMark(incarnation=LIFE, version=7)}

Proxy = Callable[[ProxyStats], Awaitable[list[ProxyStats]]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(settings: Settings, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """A store whose time a test moves: leases run out by it."""
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    async with open_store(settings, clock=clock) as opened:
        yield opened


@pytest.fixture
async def proxy(store: Store, tmp_path: Path) -> AsyncIterator[Proxy]:
    """Starts proxies; what they tell can be changed later."""
    async with AsyncExitStack() as running:

        async def start(first: ProxyStats) -> list[ProxyStats]:
            socket, stats = tmp_path / f"{first.boot}.sock", [first]
            await running.enter_async_context(answering(socket, stats))
            await store.leases.renew(first.boot, ProxyLease(stats=f"unix://{socket}"))
            return stats

        yield start


async def drained(
    environment: ActivityEnvironment, store: Store, seconds: float = 60
) -> DrainReport:
    return await environment.run(Drains(Proxies(store.leases)).drain, order_of(seconds))


def order_of(seconds: float) -> DrainOrder:
    return DrainOrder(
        project="main",
        run="web",
        incarnation=LIFE,
        replica="r0",
        route_version=7,
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
    )


async def test_without_proxies_there_is_nothing_to_wait_for(
    environment: ActivityEnvironment, store: Store
) -> None:
    assert await drained(environment, store) == DrainReport(acknowledged=True)


async def test_a_proxy_that_may_still_send_is_waited_for_until_the_deadline(
    environment: ActivityEnvironment, store: Store, proxy: Proxy
) -> None:
    await proxy(ProxyStats(boot="b", tables=KNOWS, in_flight={"r0": 1}))
    report = await drained(environment, store, seconds=0)
    assert report == DrainReport(acknowledged=False, waiting_for=("b",))


async def test_every_proxy_has_to_acknowledge(
    environment: ActivityEnvironment, store: Store, proxy: Proxy
) -> None:
    await proxy(ProxyStats(boot="quick", tables=KNOWS))
    slow = await proxy(ProxyStats(boot="slow", tables=KNOWS, in_flight={"r0": 1}))
    draining = asyncio.create_task(drained(environment, store))
    report = await drained(environment, store, seconds=0)
    assert report.waiting_for == ("slow",)
    assert not draining.done()
    slow.append(ProxyStats(boot="slow", tables=KNOWS))
    assert (await draining).acknowledged


async def test_a_proxy_that_does_not_answer_has_not_acknowledged(
    environment: ActivityEnvironment, store: Store, tmp_path: Path
) -> None:
    await store.leases.renew("gone", ProxyLease(stats=f"unix://{tmp_path}/gone.sock"))
    report = await drained(environment, store, seconds=0)
    assert report.waiting_for == ("gone",)


async def test_a_proxy_that_answers_counts_without_a_lease(
    environment: ActivityEnvironment, store: Store, proxy: Proxy, clock: Clock
) -> None:
    """Its lease is renewed through the API, which may be away while the proxy serves."""
    await proxy(ProxyStats(boot="b", tables=KNOWS, in_flight={"r0": 1}))
    clock.move(seconds=16)
    report = await drained(environment, store, seconds=0)
    assert report.waiting_for == ("b",)


async def test_a_proxy_is_not_forgotten_because_the_api_is_away_for_long(
    environment: ActivityEnvironment, store: Store, proxy: Proxy, clock: Clock
) -> None:
    await proxy(ProxyStats(boot="b", tables=KNOWS, in_flight={"r0": 1}))
    clock.move(seconds=86_400)
    report = await drained(environment, store, seconds=0)
    assert report.waiting_for == ("b",)


async def test_a_proxy_of_which_nothing_is_heard_while_others_are_is_forgotten(
    environment: ActivityEnvironment, store: Store, proxy: Proxy, clock: Clock, tmp_path: Path
) -> None:
    await proxy(ProxyStats(boot="old", tables=KNOWS, in_flight={"r0": 1}))
    clock.move(seconds=2 * 3600)
    await proxy(ProxyStats(boot="b", tables=KNOWS))
    assert (await drained(environment, store, seconds=0)).waiting_for == ("old",)
    await store.leases.renew("b", ProxyLease(stats=f"unix://{tmp_path}/b.sock"))
    assert (await drained(environment, store)).acknowledged


async def test_without_a_lease_and_an_answer_a_proxy_is_gone(
    environment: ActivityEnvironment, store: Store, tmp_path: Path, clock: Clock
) -> None:
    await store.leases.renew("gone", ProxyLease(stats=f"unix://{tmp_path}/gone.sock"))
    clock.move(seconds=16)
    assert (await drained(environment, store)).acknowledged


async def test_a_successor_at_the_same_address_tells_its_own(
    environment: ActivityEnvironment, store: Store, proxy: Proxy
) -> None:
    stats = await proxy(ProxyStats(boot="killed", tables=KNOWS, in_flight={"r0": 1}))
    stats.append(ProxyStats(boot="next", tables=KNOWS))
    assert (await drained(environment, store)).acknowledged


async def test_at_a_port_nobody_tells_for_another(
    environment: ActivityEnvironment, store: Store, clock: Clock
) -> None:
    """Whoever listens there later may be anybody."""
    stats = [ProxyStats(boot="b", tables=KNOWS)]
    async with answering_at_a_port(stats) as address:
        await store.leases.renew("b", ProxyLease(stats=address))
        assert (await drained(environment, store)).acknowledged
        stats.append(ProxyStats(boot="other", tables=KNOWS, in_flight={"r0": 1}))
        report = await drained(environment, store, seconds=0)
        assert report.waiting_for == ("b",)
        clock.move(seconds=16)
        assert (await drained(environment, store)).acknowledged


async def test_without_the_store_it_is_over_at_its_deadline_and_says_that_nobody_knows_who_sends(
    environment: ActivityEnvironment, store: Store
) -> None:
    asked = []

    class Away(Proxies):
        async def stats(self) -> dict[str, ProxyStats | None]:
            asked.append("once more")
            raise Unavailable("The store is away.")

    report = await environment.run(Drains(Away(store.leases)).drain, order_of(seconds=0.2))
    assert report == DrainReport(acknowledged=False, waiting_for=(UNKNOWN,))
    assert len(asked) > 1
