"""What all requests that are held keep of their bodies."""

FREE = 16 * 1024
"""Bytes of each that are not counted: what nearly all requests have."""


class HeldBodies:
    """Of one process. `taken` are the bytes past what is free, up to `most`."""

    __slots__ = ("_charged", "_most", "taken")

    def __init__(self, most: float) -> None:
        self.taken = 0
        self._most = most
        self._charged: dict[object, int] = {}

    def charge(self, exchange: object, size: int) -> bool:
        """It keeps so many bytes by now; False: that is too much, and nothing has changed."""
        charged, before = max(0, size - FREE), self._charged.get(exchange, 0)
        if charged > before and self.taken + charged - before > self._most:
            return False
        if charged != before:
            self.taken += charged - before
            self._charged[exchange] = charged
        return True

    def free(self, exchange: object) -> None:
        """It keeps them no more; again is as good as once."""
        self.taken -= self._charged.pop(exchange, 0)
