"""A bound on how often something is done: a bucket of permits for each who asks."""

import time
from collections.abc import Callable

FORGET_AT = 1000
"""Buckets; full ones say nothing and are dropped then."""


class RateLimit:
    """`rate` permits a second for each key, and up to `burst` at once."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def allows(self, key: str) -> bool:
        """Take a permit; False when there is none."""
        now = self._clock()
        left = self._left(key, now)
        if left < 1:
            return False
        self._buckets[key] = (left - 1, now)
        if len(self._buckets) > FORGET_AT:
            kept = {k: b for k, b in self._buckets.items() if self._left(k, now) < self._burst}
            self._buckets = kept
        return True

    def would_allow(self, key: str) -> bool:
        """Whether there is a permit; none is taken."""
        return self._left(key, self._clock()) >= 1

    def _left(self, key: str, now: float) -> float:
        left, since = self._buckets.get(key, (float(self._burst), now))
        return min(float(self._burst), left + (now - since) * self._rate)
