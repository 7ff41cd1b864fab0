"""A proxy of a simulated world: what it knows, holds, sends, and tells."""

from collections.abc import Mapping
from random import Random
from typing import Protocol

from spec.feed import ProxyStats, TableMark
from spec.route import RouteState, RouteTable
from tests.simulation.clock import Clock, Entry
from tests.simulation.violation import ensure
from tests.simulation.weather import Weather

SERVICE = "main/web"

HELD = 900.0
"""Seconds for which a request is held."""

AGAIN = 1.0
"""Seconds between two wakes, and between two tries of a request that found no way."""

LATE = 2_000
"""Milliseconds after which a proxy that is not cut off has heard of a table."""

PATIENCE = 5
"""Tries of a request whose replicas cannot be reached."""


class Upstream(Protocol):
    """A container as proxies see it: whether it answers, and whether it was let go of."""

    id: str
    serves: bool
    let_go: bool
    requests: "dict[Request, Proxy]"


class World(Protocol):
    """What proxies need of theirs."""

    clock: Clock
    published: RouteTable | None

    @property
    def containers(self) -> Mapping[str, Upstream]: ...

    @property
    def weather(self) -> Weather: ...

    def wake(self, incarnation: str) -> None: ...


class Request:
    """One that a client sent; it takes `seconds` on a replica."""

    __slots__ = ("arrived", "end", "replica", "seconds", "tries")

    def __init__(self, arrived: int, seconds: float) -> None:
        self.arrived = arrived
        self.seconds = seconds
        self.replica: Upstream | None = None
        self.end: Entry | None = None
        self.tries = 0


class Counts:
    """What became of requests.

    Those that are `refused` found nobody, nor anybody on the way; `failed` ones reached none of
    those that they found; `cut` ones lost their replica, `broken` ones their proxy; some waited
    for too `long`.
    """

    def __init__(self) -> None:
        self.arrived = self.served = self.refused = self.failed = self.cut = 0
        self.broken = self.long = 0

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in vars(self).items() if count)


class Fleet(Protocol):
    """What a proxy needs of the others. `changed` is for whoever waits for other numbers."""

    living: "list[Proxy]"
    counts: Counts

    def changed(self) -> None: ...

    def serves_since(self, moment: int) -> bool: ...


class Proxy:
    """One process. Dicts instead of sets: their order is the same each time."""

    def __init__(self, world: World, boot: str, chance: Random, fleet: Fleet) -> None:
        self.boot = boot
        self.table: RouteTable | None = world.published
        self.in_flight: dict[str, int] = {}
        self.flying: dict[Request, None] = {}
        self.held: dict[Request, None] = {}
        self.arrived = 0
        self.silent_since: int | None = None
        self.cut_off = False
        self._world = world
        self._chance = chance
        self._fleet = fleet
        self._waking = False

    # Tables

    def hear(self, table: RouteTable | None) -> None:
        """Another table; None: the run is over. An older one changes nothing."""
        known = self.table
        if table is not None and known is not None:
            is_same_life = table.incarnation == known.incarnation
            if is_same_life and table.version <= known.version:
                return
        self.table = table
        self._fleet.changed()
        for request in tuple(self.held):
            self._release(request)
            self._dispatch(request)

    # Requests

    def take(self, request: Request) -> None:
        self.arrived += 1
        self._fleet.counts.arrived += 1
        self._dispatch(request)
        self._fleet.changed()

    def _dispatch(self, request: Request) -> None:
        """To a replica, or it is held, or refused."""
        counts, table = self._fleet.counts, self.table
        routes = table.replicas if table else ()
        ready = [each.id for each in routes if each.state is RouteState.READY]
        ready.sort(key=lambda replica: (self.in_flight.get(replica, 0), replica))
        for replica in ready:
            upstream = self._world.containers[replica]
            ensure(
                not upstream.let_go,
                "nothing is sent to a replica that all proxies have let go of",
                f"{self.boot} sends to {replica}",
            )
            if upstream.serves:
                self._send(request, upstream)
                return
        if ready:
            self._try_again(request)
            return
        ensure(
            self.cut_off or not self._fleet.serves_since(self._world.clock.now - LATE),
            "a request that arrives while a replica is ready is served",
            self.boot,
        )
        if table is not None and (table.starting or table.asleep):
            self._hold(request)
        else:
            counts.refused += 1

    def _send(self, request: Request, upstream: Upstream) -> None:
        request.replica = upstream
        upstream.requests[request] = self
        self.flying[request] = None
        self.in_flight[upstream.id] = self.in_flight.get(upstream.id, 0) + 1
        clock = self._world.clock
        request.end = clock.after(request.seconds, lambda: self._served(request))

    def _served(self, request: Request) -> None:
        self._fleet.counts.served += 1
        self._land(request)

    def cut(self, request: Request) -> None:
        """Its replica is gone."""
        self._fleet.counts.cut += 1
        self._break(request)

    def die(self) -> None:
        """All that it has is lost."""
        self._fleet.counts.broken += len(self.flying) + len(self.held)
        self.held.clear()
        for request in tuple(self.flying):
            self._break(request)

    def _break(self, request: Request) -> None:
        assert request.end is not None
        request.end.cancel()
        self._land(request)

    def _land(self, request: Request) -> None:
        upstream = request.replica
        assert upstream is not None
        del upstream.requests[request], self.flying[request]
        left = self.in_flight[upstream.id] - 1
        if left:
            self.in_flight[upstream.id] = left
        else:
            del self.in_flight[upstream.id]
        self._fleet.changed()

    def _try_again(self, request: Request) -> None:
        """No replica of the table can be reached."""
        request.tries += 1
        if request.tries > PATIENCE:
            self._fleet.counts.failed += 1
            return
        self.held[request] = None
        self._world.clock.after(AGAIN, lambda: self._let_in(request))

    def _let_in(self, request: Request) -> None:
        if request in self.held:
            self._release(request)
            self._dispatch(request)

    def _hold(self, request: Request) -> None:
        self.held[request] = None
        wait = max(0.0, HELD - (self._world.clock.now - request.arrived) / 1000)
        self._world.clock.after(wait, lambda: self._waited_long(request))
        assert self.table is not None
        if self.table.asleep and not self._waking:
            self._waking = True
            self._wake()

    def _waited_long(self, request: Request) -> None:
        if request in self.held:
            self._release(request)
            self._fleet.counts.long += 1

    def _release(self, request: Request) -> None:
        del self.held[request]
        self._fleet.changed()

    def _wake(self) -> None:
        """Each second, as long as it sleeps and somebody waits."""
        table = self.table
        if table is None or not table.asleep or not self.held or self not in self._fleet.living:
            self._waking = False
            return
        if self._chance.random() >= self._world.weather.lost_wake:
            self._world.wake(table.incarnation)
        self._world.clock.after(AGAIN, self._wake)

    # Numbers

    @property
    def stats(self) -> ProxyStats:
        table = self.table
        known = {each.id: 0 for each in table.replicas} if table else {}
        tables = {}
        if table is not None:
            mark = TableMark(incarnation=table.incarnation, version=table.version)
            tables[SERVICE] = mark
        return ProxyStats(
            boot=self.boot,
            tables=tables,
            in_flight=known | self.in_flight,
            finished={},
            arrived={SERVICE: self.arrived},
            held={SERVICE: len(self.held)},
            run_in_flight={SERVICE: len(self.flying)},
            run_finished={},
        )
