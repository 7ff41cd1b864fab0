"""Those that wait for one service, or one model, and those that were let in."""

from collections import Counter, OrderedDict
from itertools import takewhile
from typing import TYPE_CHECKING

from proxy.pool import ModelPool, Service
from proxy.wave import Wave

if TYPE_CHECKING:
    from proxy.exchange import Exchange


class Line:
    """In order of arrival, with the time of it.

    `pool` is what they wait for, as it was last seen, and `owner` the service that they count for.
    `origins` are how many of them come from where, as far as that is known.
    `let_in` are those on their way to a replica whose reply has not begun, with the same time;
    `failing_since` is when the first of them found none, 0 once a reply has begun or one's
    connection stands.
    """

    __slots__ = (
        *("_connected", "_standing", "failing_since", "let_in", "origins", "owner", "pool"),
        *("waiting", "wave"),
    )

    def __init__(self, pool: Service | ModelPool, owner: Service) -> None:
        self.pool = pool
        self.owner = owner
        self.waiting: OrderedDict[Exchange, float] = OrderedDict()
        self.origins = Counter[str]()
        self.let_in: dict[Exchange, float] = {}
        self.wave = Wave()
        self.failing_since = 0.0
        self._connected: dict[Exchange, float] = {}  # since when, as far as it was looked at
        self._standing: set[Exchange] = set()

    @property
    def in_wave(self) -> int:
        """How many of those that were let in keep others back."""
        return len(self.let_in) - len(self._standing)

    def enter(self, exchange: "Exchange", since: float) -> None:
        """To the end."""
        self.waiting[exchange] = since
        self.owner.held += 1
        self.origins[exchange.origin] += 1

    def leave(self, exchange: "Exchange") -> float:
        """It waits no more: the time of its arrival."""
        self.owner.held -= 1
        self.origins[exchange.origin] -= 1
        if not self.origins[exchange.origin]:
            del self.origins[exchange.origin]
        return self.waiting.pop(exchange)

    def put_back(self, exchange: "Exchange", since: float) -> None:
        """To the front, behind those that were put back, too, and came earlier."""
        earlier = list(takewhile(lambda each: self.waiting[each] < since, self.waiting))
        for each in (exchange, *reversed(earlier)):
            self.waiting.move_to_end(each, last=False)

    def remove(self, exchange: "Exchange") -> float:
        """It was let in, and is on its way no more: the time of its arrival."""
        self._connected.pop(exchange, None)
        self._standing.discard(exchange)
        return self.let_in.pop(exchange)

    def answered(self, exchange: "Exchange") -> None:
        """The reply to one that was let in has begun."""
        self.failing_since = 0.0
        if exchange not in self._standing:
            self.wave.answered()

    def settle(self, now: float, seconds: float) -> None:
        """Whose connection has stood for so many seconds is as good as answered.

        What it goes on to ask may take for ever, and is nothing that others wait for.
        """
        if self._standing:
            self.failing_since = 0.0
        for exchange in self.let_in.keys() - self._standing:
            if not exchange.connected:
                self._connected.pop(exchange, None)
            elif now - self._connected.setdefault(exchange, now) >= seconds:
                del self._connected[exchange]
                self._standing.add(exchange)
                self.wave.answered()
