"""The load of each service is kept: each arrival once, whoever counts, and for some weeks."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from spec.backtest import Trace
from spec.feed import ProxyLease, ProxyStats
from store.store import Store
from store.tables import load_history
from tests.store.conftest import Clock

APP = "main/app"


def stats(boot: str = "one", arrived: int = 0, in_flight: int = 0, run: str = APP) -> ProxyStats:
    return ProxyStats(boot=boot, arrived={run: arrived}, run_in_flight={run: in_flight})


def told(*each: ProxyStats) -> dict[str, ProxyStats]:
    return {one.boot: one for one in each}


async def trace(store: Store, clock: Clock, **ago: float) -> Trace | None:
    return await store.load_history.trace(
        "main", "app", clock.now - timedelta(**ago or {"hours": 1}), clock.now
    )


async def counted(store: Store) -> int:
    async with store.projects._database.read() as connection:
        return await connection.scalar(select(func.sum(load_history.c.arrived))) or 0


async def rows(store: Store) -> int:
    async with store.projects._database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(load_history)) or 0


async def read(store: Store, clock: Clock, *each: ProxyStats, after: float = 10) -> None:
    clock.move(seconds=after)
    await store.load_history.record(told(*each), clock.now)


async def test_what_is_more_than_at_the_last_reading_arrived_since_then(
    store: Store, clock: Clock
) -> None:
    for arrived in (100, 103, 103, 110):
        await read(store, clock, stats(arrived=arrived))
    found = await trace(store, clock, seconds=40)
    assert found is not None
    assert (found.step, found.seconds) == (10, 40)
    assert [tuple(row) for row in found.rows] == [(10, 3), (30, 7)]


async def test_what_a_proxy_had_counted_before_anybody_read_it_is_left_out(
    store: Store, clock: Clock
) -> None:
    await read(store, clock, stats(arrived=1000))
    assert await trace(store, clock) is None


async def test_what_a_proxy_counted_that_was_just_started_is_not(
    store: Store, clock: Clock
) -> None:
    await read(store, clock, stats(arrived=1000))
    await read(store, clock, stats(arrived=1001), stats("two", arrived=5))
    assert await counted(store) == 6


async def test_several_that_read_count_each_arrival_once(
    stores: tuple[Store, ...], clock: Clock
) -> None:
    for arrived in (0, 4, 9):
        clock.move(seconds=10)
        for each in stores:
            await each.load_history.record(told(stats(arrived=arrived)), clock.now)
            clock.move(seconds=0.01)
    assert await counted(stores[0]) == 9


async def test_an_older_reading_that_comes_late_counts_for_nothing(
    stores: tuple[Store, ...], clock: Clock
) -> None:
    first, second, *_ = stores
    await read(first, clock, stats(arrived=0))
    await second.load_history.record(told(stats(arrived=8)), clock.now + timedelta(seconds=2))
    await first.load_history.record(told(stats(arrived=5)), clock.now + timedelta(seconds=1))
    await first.load_history.record(told(stats(arrived=9)), clock.now + timedelta(seconds=3))
    assert await counted(first) == 9


async def test_what_came_while_nobody_read_is_spread_over_that_time(
    store: Store, clock: Clock
) -> None:
    await read(store, clock, stats(arrived=0, in_flight=1))
    await read(store, clock, stats(arrived=6), after=60)
    found = await trace(store, clock, seconds=60)
    assert found is not None
    assert [row.requests for row in found.rows] == [1] * 6


async def test_what_comes_after_a_quiet_hour_came_in_the_last_seconds(
    store: Store, clock: Clock
) -> None:
    await read(store, clock, stats(arrived=2))
    for _ in range(5):
        await read(store, clock, stats(arrived=2), after=600)
    await read(store, clock, stats(arrived=12))
    found = await trace(store, clock)
    assert found is not None
    assert [row.requests for row in found.rows] == [10]


async def test_the_rate_is_that_of_the_last_steps_that_were_read_whole(
    store: Store, clock: Clock
) -> None:
    for arrived in (0, 60, 90):
        await read(store, clock, stats(arrived=arrived))
    rate = store.load_history.rate
    assert await rate("main", "app", 60) == 1.0  # the step that just ended may not be read yet
    clock.move(seconds=5)
    assert await rate("main", "app", 60) == 1.5
    assert await rate("main", "app", 20) == 4.5
    assert await rate("main", "app", 10) == 3.0
    assert await rate("main", "other", 60) == 0
    clock.move(minutes=2)
    assert await rate("main", "app", 60) == 0


async def test_idle_services_write_nothing(store: Store, clock: Clock) -> None:
    await read(store, clock, stats(arrived=2))
    before = await rows(store)
    for _ in range(3):
        clock.move(seconds=10)
        assert await store.load_history.record(told(stats(arrived=2)), clock.now) == 0
    assert await rows(store) == before


async def test_the_time_of_a_request_is_that_in_flight_by_how_many_came(
    store: Store, clock: Clock
) -> None:
    await read(store, clock, stats(arrived=0))
    for number in range(1, 31):
        await read(store, clock, stats(arrived=number * 5, in_flight=10))
    since = clock.now - timedelta(hours=1)
    assert await store.load_history.service_time("main", "app", since, clock.now) == 20
    assert await store.load_history.service_time("main", "other", since, clock.now) is None


async def test_what_is_old_is_kept_by_the_minute(store: Store, clock: Clock) -> None:
    await read(store, clock, stats(arrived=0))
    for number in range(1, 13):
        await read(store, clock, stats(arrived=number, in_flight=2))
    since = clock.now - timedelta(hours=1)
    clock.move(days=2, minutes=5)
    assert await store.load_history.expire() > 0
    assert await rows(store) <= 3
    assert await counted(store) == 12
    assert await store.load_history.service_time("main", "app", since, clock.now) == 20
    found = await trace(store, clock, days=3)
    assert found is not None
    assert (found.step, found.requests) == (60, 12)
    assert await store.load_history.expire() == 0


async def test_a_trace_over_both_is_by_the_minute(store: Store, clock: Clock) -> None:
    await read(store, clock, stats(arrived=0))
    await read(store, clock, stats(arrived=3))
    clock.move(days=2, minutes=5)
    await store.load_history.expire()
    await read(store, clock, stats(arrived=3))
    for arrived in (4, 5):
        await read(store, clock, stats(arrived=arrived))
    clock.move(minutes=1)
    found = await trace(store, clock, days=3)
    assert found is not None
    assert (found.step, found.requests) == (60, 5)


async def test_a_proxy_that_was_idle_for_days_is_counted_from_where_it_was(
    store: Store, clock: Clock
) -> None:
    await read(store, clock, stats(arrived=1000))
    for _ in range(3):
        await store.leases.renew("one", ProxyLease(stats="unix:///one"))
        await read(store, clock, stats(arrived=1000), after=86_400)
        await store.load_history.expire()
    await read(store, clock, stats(arrived=1001))
    assert await counted(store) == 1


async def test_what_was_kept_for_long_enough_goes(store: Store, clock: Clock) -> None:
    await read(store, clock, stats(arrived=0))
    await read(store, clock, stats(arrived=3))
    clock.move(days=31)
    await store.load_history.expire()
    assert await rows(store) == 0


async def test_nothing_is_kept_of_a_project_that_is_deleted(store: Store, clock: Clock) -> None:
    await store.projects.create("team", "admin")
    await read(store, clock, stats(arrived=0, run="team/app"))
    await read(store, clock, stats(arrived=3, run="team/app"))
    assert await rows(store) == 1
    await store.projects.delete("team", await store.projects.applies("team"))
    await read(store, clock, stats(arrived=9, run="team/app"))
    assert await rows(store) == 0


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0.1, 300)),
        min_size=1,
        max_size=8,
    )
)
async def test_no_arrival_is_lost_and_none_is_counted_twice(
    store: Store, clock: Clock, readings: list[tuple[int, int, float]]
) -> None:
    before = await counted(store)
    boots = [f"{clock.now.timestamp()}-{number}" for number in range(2)]
    totals = [0, 0]
    await read(store, clock, *(stats(boot) for boot in boots), after=3600)
    for first, second, seconds in readings:
        totals = [totals[0] + first, totals[1] + second]
        each = (stats(boot, count) for boot, count in zip(boots, totals, strict=True))
        await read(store, clock, *each, after=seconds)
    assert await counted(store) - before == sum(totals)
