"""The rule of `docs/concepts/scaling.md`, held against what a run has decided by it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import ceil
from typing import Any

from spec.decision import Rule

Decision = Mapping[str, Any]

ROUNDED = 0.005
"""Requests per second are told with two digits."""


@dataclass(frozen=True)
class RpsRule:
    """`metric: rps` with this target, between none and `most` replicas. `window` in seconds."""

    target: float
    most: int
    window: int

    def need(self, rps: float, busy: int = 0) -> int:
        """How many replicas so many requests per second need."""
        used = rps > 0 or busy > 0
        return min(self.most, max(ceil(rps / self.target - 1e-9), int(used)))

    def numbers(self, decisions: Iterable[Decision]) -> list[int]:
        """The numbers of replicas that were decided; each is what the rule says of its inputs.

        A run begins with one.
        """
        found = [1]
        for each in decisions:
            if each["rule"] == Rule.WOKEN:
                assert found[-1] == 0, each
                found.append(1)
            elif each["rule"] == Rule.SCALED:
                found.append(self._scaled(each, found[-1]))
        return found

    def lateness(self, decisions: Sequence[Decision], begun: Mapping[int, int]) -> float:
        """Seconds by which a step up came after the load needed it, at most; for the record.

        `begun` are the requests that began in each second of the clock.
        """
        late = 0.0
        for count in range(2, self.most + 1):
            since = self._first_need(count, begun)
            steps = [at for at in map(partial(_step_up, to=count), decisions) if at >= min(begun)]
            if since and steps:
                late = max(late, min(steps) - since)
        return late

    def _scaled(self, decision: Decision, before: int) -> int:
        asked, got = _change(decision)
        seen = decision["inputs"]
        rps, busy = float(seen["requests_per_second"]), int(seen["busy_requests"])
        least, most = (self.need(rps + off, busy) for off in (-ROUNDED, ROUNDED))
        need = int(seen["needed_now"])
        assert least <= need <= most, decision
        wanted = need if got > asked else int(seen["highest_need_of_the_delay"])
        assert (asked, got) == (before, wanted), decision
        return got

    def _first_need(self, count: int, begun: Mapping[int, int]) -> int:
        """The second of the clock by whose end the load needs so many; 0: it never does."""
        for second in sorted(begun):
            arrived = sum(begun.get(second - back, 0) for back in range(self.window))
            if self.need(arrived / self.window) >= count:
                return second + 1
        return 0


def _change(decision: Decision) -> tuple[int, int]:
    change = re.match(r"From (\d+) to (\d+) replicas?: ", decision["outcome"])
    assert change is not None, decision
    return int(change[1]), int(change[2])


def _step_up(decision: Decision, to: int) -> float:
    """When it came to so many replicas or more from fewer; 0: it did not."""
    if decision["rule"] != Rule.SCALED:
        return 0.0
    before, after = _change(decision)
    return datetime.fromisoformat(decision["at"]).timestamp() if before < to <= after else 0.0
