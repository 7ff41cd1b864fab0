"""What the proxies count is kept by the API, as long as it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from api.load_readings import keep_loads
from api.process import watched
from perdure.errors import Unavailable
from spec.feed import ProxyLease, ProxyStats
from store.store import Store
from tests.store.conftest import Clock
from tests.testbed.stats_server import answering

TICK = 0.01


@asynccontextmanager
async def reading(store: Store) -> AsyncIterator[None]:
    """For ten seconds at most; it has ended before the store is closed."""
    async with watched(keep_loads(store, TICK), asyncio.Event()), asyncio.timeout(10):
        yield


async def known(store: Store, clock: Clock) -> int:
    clock.move(seconds=1)
    since = clock.now - timedelta(hours=1)
    later = clock.now + timedelta(minutes=1)
    found = await store.load_history.trace("main", "app", since, later)
    return found.requests if found else 0


async def test_arrivals_at_all_proxies_are_kept(store: Store, clock: Clock, tmp_path: Path) -> None:
    told = {boot: [ProxyStats(boot=boot, arrived={"main/app": 5})] for boot in ("one", "two")}
    first, second = told.values()
    async with (
        answering(tmp_path / "one.sock", first),
        answering(tmp_path / "two.sock", second),
    ):
        for boot in told:
            await store.leases.renew(boot, ProxyLease(stats=f"unix://{tmp_path}/{boot}.sock"))
        async with reading(store):
            while len(await store.load_history._counted()) < 2:
                await asyncio.sleep(TICK)
            first.append(ProxyStats(boot="one", arrived={"main/app": 7}))
            second.append(ProxyStats(boot="two", arrived={"main/app": 6}))
            while await known(store, clock) < 3:
                await asyncio.sleep(TICK)
    assert await known(store, clock) == 3


async def test_a_store_that_fails_is_told_of_once_and_does_not_end_the_readings(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = 0

    async def failing() -> tuple[()]:
        nonlocal asked
        asked += 1
        raise Unavailable("The store does not answer.")

    monkeypatch.setattr(store.leases, "known", failing)
    with caplog.at_level(logging.WARNING):
        async with reading(store):
            while asked < 3:
                await asyncio.sleep(TICK)
    assert [record.message for record in caplog.records] == [
        "What the proxies count cannot be kept for now: The store does not answer."
    ]
