"""From what proxies count to the load of a service."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.load import found, is_quiet, taken_in
from spec.load import Figures, WatchMemory
from spec.scale import ScalingSpec, WatchOrder
from spec.scaling import ReplicaRange, Scaling, ScalingMetric
from tests.policy.making import LIFE, NOW

ASKED = ScalingSpec(
    replicas=ReplicaRange(min=0, max=4),
    scaling=Scaling(metric=ScalingMetric.RPS, target=10, scale_down_delay=60),
)


def order(current: int = 1) -> WatchOrder:
    return WatchOrder(
        project="main", run="web", incarnation=LIFE, number=1, asked=ASKED, current=current
    )


def figures(at: float, busy: int = 0, *, is_whole: bool = True, **arrived: int) -> Figures:
    when = NOW + timedelta(seconds=at)
    return Figures(at=when, arrived=arrived, busy=busy, is_whole=is_whole)


def after(*told: Figures) -> WatchMemory:
    memory = WatchMemory()
    for each in told:
        memory = taken_in(memory, each, order())
    return memory


def arrived(memory: WatchMemory) -> float:
    return sum(each.count for each in memory.load.arrivals)


def test_of_a_proxy_that_is_met_first_nobody_knows_when_its_requests_came() -> None:
    assert arrived(after(figures(0, a=500))) == 0
    assert arrived(after(figures(0, a=500), figures(1, a=530))) == pytest.approx(30)
    assert arrived(after(figures(0, a=5), figures(1, a=5, b=700))) == 0


def test_a_proxy_that_was_silent_tells_of_all_that_time() -> None:
    silent = after(figures(0, a=0), figures(1, b=0), figures(30, a=300))
    assert arrived(silent) == pytest.approx(300)
    assert len(silent.load.arrivals) > 1


def test_what_came_after_a_quiet_time_came_after_it() -> None:
    later = figures(3_600, a=60)
    waited = later.model_copy(update={"since": later.at - timedelta(seconds=1)})
    assert arrived(after(figures(0, a=0), waited)) == pytest.approx(60)
    assert arrived(after(figures(0, a=0), later)) < 10


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20))
def test_within_the_window_nothing_is_lost_and_nothing_counted_twice(
    counts: list[tuple[int, int]],
) -> None:
    memory, total = after(figures(0, a=7, b=0)), (7, 0)
    for second, (a, b) in enumerate(counts, 1):
        total = (total[0] + a, total[1] + b)
        memory = taken_in(memory, figures(second, a=total[0], b=total[1]), order())
    assert arrived(memory) == pytest.approx(sum(total) - 7)


def test_another_number_is_found_when_the_load_needs_it() -> None:
    told = (figures(0, a=0), figures(1, a=1_200))
    verdict = found(after(*told), told[-1], order())
    assert verdict is not None
    assert verdict.desired == 2
    assert found(after(*told), told[-1], order(current=2)) is None


@pytest.mark.parametrize(("is_whole", "desired"), [(True, 0), (False, None)])
def test_while_a_proxy_is_silent_nobody_knows_that_fewer_are_enough(
    is_whole: bool, desired: int | None
) -> None:
    last = figures(200, is_whole=is_whole, a=0)
    verdict = found(after(figures(0, a=0), last), last, order())
    assert (verdict.desired if verdict else None) == desired


@pytest.mark.parametrize(
    ("current", "unproven", "desired"),
    [(1, True, None), (1, False, 0), (3, True, 1), (3, False, 0), (0, True, None)],
)
def test_the_last_replica_of_what_was_never_ready_is_right_whatever_the_load(
    current: int, unproven: bool, desired: int | None
) -> None:
    """With no delay this would be found, and begun anew, at each look."""
    asked = order(current)
    scaling = ASKED.scaling.model_copy(update={"scale_down_delay": 0})
    changes = {"unproven": unproven, "asked": ASKED.model_copy(update={"scaling": scaling})}
    last = figures(900, a=0)
    verdict = found(after(figures(0, a=0), last), last, asked.model_copy(update=changes))
    assert (verdict and verdict.desired) == desired


def test_more_are_needed_whether_or_not_all_proxies_tell() -> None:
    told = (figures(0, a=0), figures(1, is_whole=False, a=1_200))
    assert found(after(*told), told[-1], order()) is not None


def test_without_any_proxy_nothing_is_known() -> None:
    assert found(after(figures(900)), figures(900), order(current=3)) is None


@pytest.mark.parametrize(
    ("told", "current", "quiet"),
    [
        (figures(100, a=0), 0, True),
        (figures(100, busy=1, a=0), 1, False),
        (figures(100, a=9), 1, False),
        (figures(100, is_whole=False, a=0), 0, False),
        (figures(100, a=0), 2, False),
    ],
    ids=["nobody asks", "one is busy", "some came", "one is silent", "too many are there"],
)
def test_it_is_quiet_when_time_alone_changes_nothing(
    told: Figures, current: int, quiet: bool
) -> None:
    memory = after(figures(99, a=0), told)
    assert is_quiet(memory, told, order(current)) is quiet


def test_a_proxy_that_is_gone_for_an_hour_is_forgotten() -> None:
    assert set(after(figures(0, a=1), figures(3_599, b=1)).counted) == {"a", "b"}
    assert set(after(figures(0, a=1), figures(3_601, b=1)).counted) == {"b"}
