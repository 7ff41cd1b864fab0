"""The load board: one reading for all who wait at it."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from activities.load_board import LoadBoard, figures_of
from perdure.errors import Unavailable
from spec.feed import ProxyStats
from spec.names import replica_id
from store.proxies import Proxies

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TICK = 0.001

Told = dict[str, ProxyStats | None]


class ToldProxies(Proxies):
    """What they tell, reading by reading; the last for ever."""

    def __init__(self, *told: Told | Exception) -> None:
        self._told = list(told)
        self.readings = 0

    async def stats(self) -> Told:
        self.readings += 1
        told = self._told.pop(0) if len(self._told) > 1 else self._told[0]
        if isinstance(told, Exception):
            raise told
        return told


def arrived(count: int, service: str = "main/web") -> Told:
    return {"one": ProxyStats(boot="one", arrived={service: count})}


async def test_who_waits_gets_the_figures_of_the_next_reading() -> None:
    figures = await LoadBoard(ToldProxies(arrived(7)), TICK).next("main/web")
    assert (figures.arrived, figures.is_whole) == ({"one": 7}, True)


async def test_all_who_wait_share_a_reading_and_without_them_there_is_none() -> None:
    proxies = ToldProxies(arrived(7))
    board = LoadBoard(proxies, TICK)
    found = await asyncio.gather(*(board.next(name) for name in ("main/web", "main/a", "main/b")))
    assert [figures.arrived for figures in found] == [{"one": 7}, {"one": 0}, {"one": 0}]
    assert proxies.readings == 1
    await board.next("main/web")
    assert proxies.readings == 2


async def test_who_waits_for_a_change_hears_since_when_there_was_none() -> None:
    board = LoadBoard(ToldProxies(arrived(1), arrived(1), arrived(1), arrived(2)), TICK)
    first = await board.next("main/web")
    changed = await board.next("main/web", first)
    assert changed.arrived == {"one": 2}
    assert changed.since is not None
    assert first.at < changed.since < changed.at


async def test_a_store_that_is_away_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    away = Unavailable("The store is away.")
    proxies = ToldProxies(away, away, arrived(3))
    with caplog.at_level(logging.WARNING):
        figures = await LoadBoard(proxies, TICK).next("main/web")
    assert (figures.arrived, proxies.readings) == ({"one": 3}, 3)
    assert "The store is away." in caplog.text


async def test_a_bug_in_the_reading_ends_all_who_wait_and_the_next_one_reads_anew() -> None:
    proxies = ToldProxies(ZeroDivisionError("a bug"), arrived(3))
    board = LoadBoard(proxies, TICK)
    waiting = [asyncio.create_task(board.next(name)) for name in ("main/web", "main/other")]
    async with asyncio.timeout(10):
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in told] == [ZeroDivisionError, ZeroDivisionError]
        assert (await board.next("main/web")).arrived == {"one": 3}


async def test_who_is_cancelled_is_waited_for_no_longer() -> None:
    board = LoadBoard(ToldProxies(arrived(1)), TICK)
    first = await board.next("main/web")
    waiting = asyncio.create_task(board.next("main/web", first))
    other = await board.next("main/web")
    assert other.arrived == {"one": 1}
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await board.next("main/web")).arrived == {"one": 1}


def web(num: int) -> str:
    return replica_id("main", "web", "life1", num, num + 1)


def other(run: str) -> str:
    return replica_id("main", run, "life1", 0, 1)


def test_figures_are_those_of_one_service_added_up_over_the_proxies() -> None:
    told = {
        "one": ProxyStats(
            boot="one",
            arrived={"main/web": 5, "main/web2": 9},
            run_in_flight={"main/web": 3},
            held={"main/web": 1},
            in_flight={web(0): 2, web(1): 1, other("web2"): 4, web(2): 0},
        ),
        "two": ProxyStats(
            boot="two", run_in_flight={"main/web": 4}, in_flight={web(0): 4, other("we"): 1}
        ),
    }
    figures = figures_of("main/web", told, NOW)
    assert figures.arrived == {"one": 5, "two": 0}
    assert figures.busy == 8
    assert figures.in_flight == {web(0): 6, web(1): 1}
    assert figures.is_whole


@pytest.mark.parametrize(
    ("told", "boots"),
    [({}, set()), ({"one": None}, set()), ({"one": ProxyStats(boot="one"), "two": None}, {"one"})],
)
def test_figures_are_not_whole_unless_a_proxy_tells_and_none_is_silent(
    told: Mapping[str, ProxyStats | None], boots: set[str]
) -> None:
    figures = figures_of("main/web", told, NOW)
    assert not figures.is_whole
    assert set(figures.arrived) == boots
