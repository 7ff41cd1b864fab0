"""How many of those that waited may be on their way to a replica at a time. Pure."""

FIRST = 4
"""A Python server that listens with a backlog of 5 has room for 6 connections."""


class Wave:
    """It grows by one with each that found a replica, so that it doubles in a round.

    After a failure it is half as large, and from there on grows by one in a round: as TCP's window
    does (RFC 5681).
    """

    __slots__ = ("_calm_from", "_growth", "size")

    def __init__(self) -> None:
        self.size = FIRST
        self._calm_from = 0  # from this size on it grows slowly; 0: nothing has failed yet
        self._growth = 0

    def answered(self) -> None:
        """A reply has begun, or is awaited on a connection that stands."""
        if not self._calm_from or self.size < self._calm_from:
            self.size += 1
            return
        self._growth += 1
        if self._growth >= self.size:
            self.size, self._growth = self.size + 1, 0

    def failed(self) -> None:
        """One found no way to a replica, or was cut off without a byte."""
        self.size = self._calm_from = max(1, self.size // 2)
        self._growth = 0
