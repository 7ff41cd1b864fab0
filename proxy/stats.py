"""What the data plane counts. Cheap: a few integers a request."""

BUCKETS = 48
"""Powers of two of a millisecond: enough for any exchange, so that none needs a check."""


SERVICE, MODEL, FRONT, OTHER = KINDS = (0, 1000, 2000, 3000)
"""Where a request went. Added to a status, it is the index of what is counted."""

NAMES = ("service", "model", "front", "other")


class Stats:
    """Replies begun by kind and status, and how long exchanges lasted."""

    __slots__ = ("durations", "replies", "seconds")

    def __init__(self) -> None:
        self.replies = [0] * (1000 * len(KINDS))
        self.durations = [0] * BUCKETS
        self.seconds = 0.0

    def lasted(self, seconds: float) -> None:
        """A reply is whole, so long after its request began."""
        self.seconds += seconds
        self.durations[int(seconds * 1000).bit_length()] += 1
