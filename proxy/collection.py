"""A body that is held as a whole, and what all of them may hold together."""

from collections.abc import Callable

from proxy import replies
from proxy.limits import Limits
from proxy.replies import Reply

FREE = 256 * 1024
"""Bytes that are not counted: every request may hold them, so ordinary ones are always taken."""

PIECE = 16 * 1024
"""Bytes below which pieces are joined: each costs 40 bytes of its own, however small it is."""


class Budget:
    """Bytes that all collections of this process hold, past what is free."""

    __slots__ = ("limits", "taken")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.taken = 0


class Collection:
    """One body. `whole` goes on with it once it is complete; what is `counted` must be freed."""

    __slots__ = ("_budget", "counted", "whole")

    def __init__(self, budget: Budget, whole: Callable[[], None]) -> None:
        self.whole = whole
        self._budget = budget
        self.counted = 0

    def grow(self, pieces: list[bytes], size: int) -> Reply | None:
        """It has `size` bytes by now, in `pieces`, which are put in order. A refusal, or None."""
        budget, counted = self._budget, max(0, size - FREE)
        if size > budget.limits.model_body_bytes:
            return replies.BODY_TOO_LARGE
        if counted and budget.taken + counted - self.counted > budget.limits.model_bodies_bytes:
            return replies.NO_ROOM
        budget.taken += counted - self.counted
        self.counted = counted
        join_small(pieces)
        return None

    def free(self) -> None:
        """It is held no more; again is as good as once."""
        self._budget.taken -= self.counted
        self.counted = 0


def join_small(pieces: list[bytes]) -> None:
    """Those at the end: what came in drops costs no more than what came at once."""
    at = len(pieces)
    while at and len(pieces[at - 1]) < PIECE:
        at -= 1
    if len(pieces) - at > 1:
        pieces[at:] = [b"".join(pieces[at:])]
