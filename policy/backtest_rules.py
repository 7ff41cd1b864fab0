"""The rules of a backtest: ours, as production has it, and the reference's, to compare."""

import math
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Protocol

from policy.autoscale import decide, new_load, seen
from spec.load import LoadSample
from spec.scale import ScalingSpec
from spec.scaling import Scaling, ScalingMetric

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""The rule wants times; a backtest counts from its own beginning."""

REFERENCE_WINDOW = 60
REFERENCE_UP_DELAY = 300
REFERENCE_DOWN_DELAY = 600


class Scaler(Protocol):
    """What decides, tick by tick, how many replicas there should be."""

    @property
    def current(self) -> int:
        """The number that there should be now."""

    def tick(self, now: float, arrived: int, busy: int) -> int:
        """The number from `now` on; so many arrived since the last tick, so many are busy."""


class OurScaler:
    """`policy.autoscale`, as the watch of a run asks it.

    In ticks in which nothing arrives and nothing changes, the need is the same, and so is the
    decision until something is old enough: the rule is then asked with the last of them only.
    """

    def __init__(self, asked: ScalingSpec, current: int, *, patient: bool = True) -> None:
        """`patient`: leave out the ticks that change nothing."""
        self.current = current
        self._asked = asked
        self._patient = patient
        self._load = new_load(current, BEGINNING)
        self._changed_at: datetime | None = None
        self._last = 0.0
        self._skipped = 0.0
        self._busy = -1
        self._wakes: float | None = 0.0

    def tick(self, now: float, arrived: int, busy: int) -> int:
        """Ask the rule, if it can say anything new."""
        if self._patient and not arrived and busy == self._busy and now < self._sleeps_until():
            self._skipped = now
            return self.current
        if self._skipped > self._last:
            self._see(self._skipped, 0, self._busy)
        self._see(now, arrived, busy)
        at = _moment(now)
        verdict = decide(self._load, self._asked, at, self.current, self._changed_at)
        if verdict.desired != self.current:
            self.current, self._changed_at = verdict.desired, at
            self._load = new_load(self.current, at, self._load)
            self._wakes = now  # what the new watch begins with is no need that was seen
        else:
            self._wakes = None
        return self.current

    def _see(self, now: float, arrived: int, busy: int) -> None:
        sample = LoadSample(at=_moment(now), seconds=now - self._last, arrived=arrived, busy=busy)
        self._load = seen(self._load, sample, self._asked)
        self._last, self._busy = now, busy

    def _sleeps_until(self) -> float:
        if self._wakes is None:
            self._wakes = (self._next_change(_moment(self._last)) - BEGINNING).total_seconds()
        return self._wakes

    def _next_change(self, now: datetime) -> datetime:
        """When the first thing that counts now counts no more."""
        scaling = self._asked.scaling
        window = timedelta(seconds=scaling.window)
        down = timedelta(seconds=scaling.scale_down_delay)
        times = [each.at + window for each in self._load.arrivals[:1]]
        times += [each.at + down for each in self._load.needs[:-1]]
        if self._changed_at is not None:
            times.append(self._changed_at + timedelta(seconds=scaling.scale_up_delay))
        return min((at for at in times if at > now), default=datetime.max.replace(tzinfo=UTC))


class ReferenceScaler:
    """The reference's rule: the need of the last minute, and a cool-down since the last change."""

    def __init__(self, asked: ScalingSpec, current: int) -> None:
        self.current = current
        self._asked = asked
        self._changed_at = -math.inf
        self._arrivals: deque[tuple[float, int]] = deque()
        self._count = 0

    def tick(self, now: float, arrived: int, busy: int) -> int:
        """Up or down when the last change is old enough; from zero at once."""
        self._remember(now, arrived)
        scaling = self._asked.scaling
        rps = self._count / scaling.window
        desired = self._asked.replicas.clip(math.ceil(rps / scaling.target))
        rises = desired > self.current
        delay = scaling.scale_up_delay if rises else scaling.scale_down_delay
        is_due = now - self._changed_at >= delay or (rises and self.current == 0)
        if desired != self.current and is_due:
            self.current, self._changed_at = desired, now
        return self.current

    def _remember(self, now: float, arrived: int) -> None:
        if arrived:
            self._arrivals.append((now, arrived))
            self._count += arrived
        while self._arrivals and self._arrivals[0][0] <= now - self._asked.scaling.window:
            self._count -= self._arrivals.popleft()[1]


def reference_of(asked: ScalingSpec, service_time: float) -> ScalingSpec:
    """The same range and target by the reference's rule, which knows requests per second only.

    So many in flight are as many per second as end in that time.
    """
    by_rate = asked.scaling.metric is ScalingMetric.RPS
    target = asked.scaling.target
    scaling = Scaling(
        metric=ScalingMetric.RPS,
        target=target if by_rate else target / service_time,
        window=REFERENCE_WINDOW,
        scale_up_delay=REFERENCE_UP_DELAY,
        scale_down_delay=REFERENCE_DOWN_DELAY,
    )
    return asked.model_copy(update={"scaling": scaling})


def _moment(seconds: float) -> datetime:
    return BEGINNING + timedelta(seconds=seconds)
