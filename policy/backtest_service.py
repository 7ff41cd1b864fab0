"""The service of a backtest: its replicas, what they have in flight, and who waits."""

import math
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

from policy.backtest_demand import Demand
from spec.backtest import Conditions


@dataclass(eq=False)
class Replica:
    """It starts, serves, drains, and has ended when it leaves and nothing is in flight on it."""

    number: int
    started: float
    ready: bool = False
    leaves: bool = False
    in_flight: int = 0


class Service:
    """Requests wait for a free slot, and are served in the order in which they came.

    Of replicas with a free slot the one with the fewest in flight takes the next request.
    """

    def __init__(self, demand: Demand, conditions: Conditions, warm: int) -> None:
        """`warm` replicas are there, and ready, when it begins."""
        self._demand = demand
        self._slots = conditions.slots
        self._cold_start = conditions.cold_start
        self._arrived = 0
        self._queue: deque[int] = deque()
        self._events: list[tuple[float, int, Replica]] = []
        self._free: list[tuple[int, int, Replica]] = []
        self._replicas: list[Replica] = []
        self._count = 0
        self._seconds = 0.0
        self.waits = [0.0] * len(demand.arrivals)
        self.in_flight = 0
        self.most_replicas = 0
        self._start(warm, at=-self._cold_start, since=0.0)
        self.advance(0.0)

    @property
    def arrived(self) -> int:
        """How many requests have arrived by now."""
        return self._arrived

    @property
    def busy(self) -> int:
        """Requests that are in flight, or wait."""
        return self.in_flight + len(self._queue)

    @property
    def is_done(self) -> bool:
        """Whether all requests were served."""
        return self._arrived == len(self._demand.arrivals) and not self.busy

    def advance(self, now: float) -> None:
        """Let everything happen until `now`: arrivals, ends of requests, replicas made ready."""
        arrivals, events = self._demand.arrivals, self._events
        count = len(arrivals)
        while True:
            arrival = arrivals[self._arrived] if self._arrived < count else math.inf
            event = events[0][0] if events else math.inf
            if min(arrival, event) > now:
                return
            if event <= arrival:
                at, _, replica = heappop(events)
                self._happened(at, replica)
            else:
                self._queue.append(self._arrived)
                self._arrived += 1
                self._serve(arrival)

    def scale(self, desired: int, now: float) -> None:
        """Start what is missing; what is too much leaves, by the order of `policy.reconcile`."""
        missing = desired - len(self._replicas)
        if missing > 0:
            self._start(missing, at=now, since=now)
            return
        order = sorted(self._replicas, key=lambda each: (each.ready, each.in_flight, -each.number))
        for replica in order[:-missing]:
            replica.leaves = True
            self._replicas.remove(replica)
            if not replica.in_flight:
                self._seconds += now - replica.started

    def replica_seconds(self, now: float) -> float:
        """Of all replicas, from the start of each to the end of its draining, or to `now`."""
        draining = {id(replica): replica for _, _, replica in self._events if replica.leaves}
        living = (*self._replicas, *(each for each in draining.values() if each.in_flight))
        return self._seconds + sum(now - replica.started for replica in living)

    def unserved(self, now: float) -> int:
        """How many requests wait still; that they have waited until now is noted."""
        for request in self._queue:
            self.waits[request] = now - self._demand.arrivals[request]
        return len(self._queue)

    def _start(self, count: int, *, at: float, since: float) -> None:
        for _ in range(count):
            self._count += 1
            replica = Replica(self._count, started=since)
            self._replicas.append(replica)
            heappush(self._events, (at + self._cold_start, self._count, replica))
        self.most_replicas = max(self.most_replicas, len(self._replicas))

    def _happened(self, at: float, replica: Replica) -> None:
        """A replica is ready, or a request on it has ended."""
        if replica.ready:
            replica.in_flight -= 1
            self.in_flight -= 1
        elif not replica.leaves:
            replica.ready = True
        if not replica.leaves:
            heappush(self._free, (replica.in_flight, replica.number, replica))
            self._serve(at)
        elif replica.ready and not replica.in_flight:
            self._seconds += at - replica.started

    def _serve(self, now: float) -> None:
        """Give those who wait to replicas, as long as there is a free slot.

        The heap has a replica as often as its number in flight changed; only the newest counts.
        """
        free = self._free
        while self._queue and free:
            in_flight, number, replica = free[0]
            if replica.leaves or in_flight != replica.in_flight or in_flight >= self._slots:
                heappop(free)
                continue
            heappop(free)
            request = self._queue.popleft()
            self.waits[request] = now - self._demand.arrivals[request]
            replica.in_flight += 1
            self.in_flight += 1
            if replica.in_flight < self._slots:
                heappush(free, (replica.in_flight, number, replica))
            over = now + self._demand.service_times[request]
            heappush(self._events, (over, number, replica))
