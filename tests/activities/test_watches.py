"""A watch completes when another number of replicas is right, and remembers what it saw."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from temporalio.testing import ActivityEnvironment

from activities.load_board import LoadBoard
from activities.watches import Watches
from policy.load import begun, taken_in
from spec.load import Figures
from spec.scale import ScalingRule, ScalingSpec, WatchOrder
from spec.scaling import ReplicaRange, Scaling, ScalingMetric
from tests.policy.making import LIFE

BEGUN = datetime.now(UTC)
ASKED = ScalingSpec(
    replicas=ReplicaRange(min=0, max=4),
    scaling=Scaling(metric=ScalingMetric.RPS, target=10, scale_down_delay=60),
)
ORDER = WatchOrder(project="main", run="web", incarnation=LIFE, number=3, asked=ASKED, current=1)


class ToldBoard(LoadBoard):
    """What it tells, one after the other, and what it was asked."""

    def __init__(self, told: Sequence[Figures]) -> None:
        self._told = list(told)
        self.asked: list[tuple[str, Figures | None]] = []

    async def next(self, service: str, other_than: Figures | None = None) -> Figures:
        self.asked.append((service, other_than))
        return self._told.pop(0)


def figures(at: float, arrived: int, busy: int = 0, **in_flight: int) -> Figures:
    when = BEGUN + timedelta(seconds=at)
    return Figures(at=when, arrived={"one": arrived}, busy=busy, in_flight=in_flight)


CALM, RUSH = figures(1, 0), figures(2, 1_200, busy=5, r0=5)


async def test_it_completes_with_what_it_found_and_saw(environment: ActivityEnvironment) -> None:
    board = ToldBoard([CALM, RUSH])
    report = await environment.run(Watches(board).load_watch, ORDER)
    assert (report.number, report.at, report.in_flight) == (3, RUSH.at, {"r0": 5})
    assert (report.verdict.desired, report.verdict.rule) == (2, ScalingRule.UP)
    assert report.memory.counted["one"].count == 1_200
    assert [service for service, _ in board.asked] == ["main/web"] * 2


async def test_while_something_can_change_it_looks_at_each_reading_else_at_the_next_change(
    environment: ActivityEnvironment,
) -> None:
    quiet = ORDER.model_copy(update={"current": 0})
    board = ToldBoard([CALM, RUSH])
    await environment.run(Watches(board).load_watch, quiet)
    assert [than for _, than in board.asked] == [None, CALM]
    busy = ToldBoard([CALM, RUSH])
    await environment.run(Watches(busy).load_watch, ORDER)
    assert [than for _, than in busy.asked] == [None, None]


async def test_the_next_attempt_goes_on_with_what_was_seen(
    environment: ActivityEnvironment,
) -> None:
    """Without it, nobody knew when the first requests that it hears of arrived."""
    memory = taken_in(begun(ORDER, BEGUN), CALM, ORDER)
    details = [memory.model_dump(mode="json")]
    environment.info = replace(environment.info, heartbeat_details=details)
    report = await environment.run(Watches(ToldBoard([RUSH])).load_watch, ORDER)
    assert report.verdict.desired == 2
