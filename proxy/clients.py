"""The connections of clients: so many at a time, and which of them goes when another one comes."""

from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.client import ClientConnection

LOOK_SECONDS = 0.1
"""Between two looks for one to close that find none: each costs some milliseconds."""


class Clients:
    """All of them. Beyond `capacity` the one that has waited longest for a whole head is closed.

    It may be idle, in the middle of a head, or linger after its last reply. Requests under way are
    never given up: where there is nothing else, the newcomer is refused.
    """

    __slots__ = ("_all", "_capacity", "_look_at", "_waiting")

    def __init__(self, capacity: int) -> None:
        self._all: set[ClientConnection] = set()
        self._capacity = capacity
        self._waiting: deque[tuple[float, ClientConnection]] = deque()
        self._look_at = 0.0

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator["ClientConnection"]:
        """Over those of this moment."""
        return iter(tuple(self._all))

    def admit(self, client: "ClientConnection") -> bool:
        """Take it in, unless there is no room and none can be made."""
        if len(self._all) >= self._capacity and not self._make_room():
            return False
        self._all.add(client)
        return True

    def discard(self, client: "ClientConnection") -> None:
        """It is gone, if it was here."""
        self._all.discard(client)

    def _make_room(self) -> bool:
        return self._close_first() or (self._look() and self._close_first())

    def _close_first(self) -> bool:
        """Close the first that waits, and has since it was looked at."""
        while self._waiting:
            since, client = self._waiting.popleft()
            if client in self._all and client.waiting_since == since:
                self._all.discard(client)
                client.transport.abort()
                return True
        return False

    def _look(self) -> bool:
        """Whether there are any; once for as many newcomers as there are."""
        now = monotonic()
        if now < self._look_at:
            return False
        found = ((each.waiting_since, each) for each in self._all)
        self._waiting.extend(sorted((one for one in found if one[0]), key=lambda one: one[0]))
        if not self._waiting:
            self._look_at = now + LOOK_SECONDS
        return bool(self._waiting)
