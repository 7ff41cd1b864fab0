"""What the data plane counts. Cheap: a few integers a request."""

from collections import Counter
from enum import StrEnum

BUCKETS = 48
"""Powers of two of a millisecond: enough for any exchange, so that none needs a check."""


SERVICE, MODEL, FRONT, OTHER = KINDS = (0, 1000, 2000, 3000)
"""Where a request went. Added to a status, it is the index of what is counted."""

NAMES = ("service", "model", "front", "other")


class Outcome(StrEnum):
    """How it went on with a request for which no replica was ready.

    It was ANSWERED by a replica in the end, or FAILED there; too many waited (FULL), or it waited
    too LONG; its client LEFT, or no replica is coming (NONE).
    """

    ANSWERED = "answered"
    FAILED = "failed"
    FULL = "over_the_bound"
    LONG = "over_the_time"
    LEFT = "left"
    NONE = "none_coming"


class Durations:
    """How long exchanges lasted: how many, by powers of two of a millisecond, and all seconds."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """One more has ended, so long after its request began."""
        self.seconds += seconds
        self.counts[int(seconds * 1000).bit_length()] += 1

    def copy(self) -> "Durations":
        """As they are now."""
        copied = Durations()
        copied.counts, copied.seconds = self.counts.copy(), self.seconds
        return copied


class Stats:
    """Replies begun by kind and status, and how long exchanges lasted, by kind.

    `holds` are held requests by their end, `wakes` attempts to wake a run by whether one was told.
    """

    __slots__ = ("durations", "holds", "replies", "wakes")

    def __init__(self) -> None:
        self.replies = [0] * (1000 * len(KINDS))
        self.durations = {kind: Durations() for kind in KINDS}
        self.holds = Counter[Outcome]()
        self.wakes = Counter[bool]()
