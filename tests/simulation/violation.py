"""A violated invariant."""


class Violation(AssertionError):
    """What should hold, and does not: the `invariant` in a few words, and what was seen."""

    def __init__(self, invariant: str, seen: str = "") -> None:
        super().__init__(f"{invariant}: {seen}" if seen else invariant)
        self.invariant = invariant


def ensure(holds: object, invariant: str, seen: object = "") -> None:
    """Raises `Violation` unless it holds."""
    if not holds:
        raise Violation(invariant, str(seen))
