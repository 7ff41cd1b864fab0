"""Autoscaling: how many replicas a load needs.

1. The need of the moment is the arrivals within the window, per second, by the target of one
   replica (`rps`), or the requests that are busy by it (`in_flight`); rounded up, at least 1 while
   anything is busy or has arrived within the window, and within the range.
2. Up: at once, or `scale_up_delay` after the last change.
3. Down: to the highest need of the last `scale_down_delay`. A load that trembles changes nothing.
4. From zero: at once.

The rule and its numbers: docs/concepts/scaling.md.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil

from spec.load import Arrivals, Load, LoadSample, Need
from spec.scale import ScalingRule, ScalingSpec, Verdict
from spec.scaling import ReplicaRange, Scaling, ScalingMetric

STEPS = 30
"""Arrivals are remembered by the thirtieth part of the window: little to carry, fine enough."""

NOTHING = Load()

MOST = 1e9
"""More than any range has: a quotient without an end is cut off here."""

ROUNDING = 1e-9
"""Shares of requests that were spread over steps add up to whole ones only nearly."""


def new_load(current: int, now: datetime, before: Load = NOTHING) -> Load:
    """What a watch begins with: `before` is what the one before it had seen.

    What is there counts as needed now, so that nothing goes down before it was seen for long enough
    that fewer will do.
    """
    needs = tuple(need for need in before.needs if need.replicas > current)
    return before.model_copy(update={"needs": (*needs, Need(at=now, replicas=current))})


def seen(load: Load, sample: LoadSample, asked: ScalingSpec) -> Load:
    """The load with one sample more, and without what is too old to count."""
    scaling = asked.scaling
    step = timedelta(seconds=scaling.window / STEPS)
    oldest = sample.at - timedelta(seconds=scaling.window)
    known = {each.at: each for each in load.arrivals if each.at > oldest}
    for at, count in _spread(sample, step):
        if at > oldest:
            before = known[at].count if at in known else 0.0
            known[at] = Arrivals(at=at, count=before + count)
    arrivals = tuple(known[at] for at in sorted(known))
    needed = _need(_rps(arrivals, sample.at, scaling), sample.busy, scaling)
    need = Need(at=sample.at, replicas=asked.replicas.clip(needed))
    delay = timedelta(seconds=scaling.scale_down_delay)
    needs = _highest(load.needs, need, sample.at - delay)
    return Load(arrivals=arrivals, busy=sample.busy, needs=needs)


def decide(
    load: Load, asked: ScalingSpec, now: datetime, current: int, changed_at: datetime | None
) -> Verdict:
    """How many replicas there should be now, `current` being what was decided at `changed_at`."""
    scaling, within = asked.scaling, asked.replicas
    rps = _rps(load.arrivals, now, scaling)
    need = within.clip(_need(rps, load.busy, scaling))
    oldest = now - timedelta(seconds=scaling.scale_down_delay)
    recent = [each.replicas for each in load.needs if each.at > oldest]
    highest = within.clip(max([need, *recent]))
    delay = timedelta(seconds=scaling.scale_up_delay)
    is_recent = changed_at is not None and now - changed_at < delay
    desired, rule = _ruled(need, highest, current, within, is_recent=is_recent)
    return Verdict(
        desired=desired,
        rule=rule,
        need=need,
        highest=highest,
        rps=rps,
        busy=load.busy,
    )


def _ruled(
    need: int, highest: int, current: int, within: ReplicaRange, *, is_recent: bool
) -> tuple[int, ScalingRule]:
    allowed = within.clip(current)
    if need > allowed and current == 0:
        return need, ScalingRule.FROM_ZERO
    if need > allowed and not is_recent:
        return need, ScalingRule.UP
    if allowed != current:
        return allowed, ScalingRule.BOUNDS
    if need > current:
        return current, ScalingRule.DELAYED
    if highest < current:
        return highest, ScalingRule.DOWN
    return current, ScalingRule.STEADY if need == current else ScalingRule.RECENT


def _need(rps: float, busy: int, scaling: Scaling) -> int:
    share = busy if scaling.metric is ScalingMetric.IN_FLIGHT else rps
    is_used = busy > 0 or rps > 0
    needed = min(share / scaling.target, MOST)
    return max(ceil(needed - ROUNDING), int(is_used))


def _rps(arrivals: Iterable[Arrivals], now: datetime, scaling: Scaling) -> float:
    oldest = now - timedelta(seconds=scaling.window)
    return sum([each.count for each in arrivals if each.at > oldest]) / scaling.window


def _spread(sample: LoadSample, step: timedelta) -> list[tuple[datetime, float]]:
    """The arrivals by the step that each belongs to: a proxy that was silent has no burst to tell.

    A step is known by its end; only those of the window are told.
    """
    if not sample.arrived:
        return []
    last = _end_of_step(sample.at, step)
    steps = max(1, round(sample.seconds / step.total_seconds()))
    return [(last - step * back, sample.arrived / steps) for back in range(min(steps, STEPS + 1))]


def _end_of_step(at: datetime, step: timedelta) -> datetime:
    """Steps begin at whole multiples of their length, as the clock has them."""
    over = (at - datetime.min.replace(tzinfo=at.tzinfo)) % step
    return at + (step - over) if over else at


def _highest(needs: tuple[Need, ...], need: Need, oldest: datetime) -> tuple[Need, ...]:
    """A sliding maximum: a need that a later one reaches can never be the highest again."""
    kept = [each for each in needs if each.at > oldest and each.replicas > need.replicas]
    return (*kept, need)
