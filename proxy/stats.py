"""What the data plane counts. Cheap: a few integers a request."""

BUCKETS = 48
"""Powers of two of a millisecond: enough for any exchange, so that none needs a check."""


class Stats:
    """Replies begun by status (an index of three digits), and how long exchanges lasted."""

    __slots__ = ("durations", "replies", "seconds")

    def __init__(self) -> None:
        self.replies = [0] * 1000
        self.durations = [0] * BUCKETS
        self.seconds = 0.0

    def lasted(self, seconds: float) -> None:
        """A reply is whole, so long after its request began."""
        self.seconds += seconds
        self.durations[int(seconds * 1000).bit_length()] += 1
