"""The route table in the shape that a request needs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from proxy.addresses import endpoint
from proxy.auth import Opened
from proxy.balance import Replica
from proxy.pool import ModelPool, Name, Pool, Service, name_of
from proxy.stats import Durations
from spec.feed import TableMark
from spec.route import ModelFormat, ReplicaRoute, RouteState, RouteTable

COUNTS_SECONDS = 6 * 3600.0
"""For which counts of a run that is over are remembered: another life of it goes on counting."""


class Table:
    """All services of this proxy. `clock` tells when replicas leave.

    `version` grows with every change: what was looked up holds as long as it stays. `changed` is
    called after each.
    """

    def __init__(self, tunnels: Path, clock: Callable[[], float]) -> None:
        self.services: dict[Name, Service] = {}
        self.models: dict[tuple[bytes, str], ModelPool] = {}
        self.version = 0
        self._tunnels = tunnels
        self._clock = clock
        self.changed: Callable[[], object] = int
        self._arrived_before: dict[Name, int] = {}
        self._finished_before = Counter[Name]()
        self._ended_at: dict[Name, float] = {}  # the first that ended comes first
        self._leaving: list[tuple[Name, Replica]] = []

    def apply(self, route: RouteTable, *, present: bool = False) -> bool:
        """Take in a table unless it is older than what is known, or of another life.

        Lives are in no order that clocks could tell: only a table that the run has at this moment
        (`present`) takes the place of another life's.
        """
        known = self.services.get(name_of(route))
        if known is None:
            pass
        elif self.is_of_other_life(route):
            if not present:
                return False
        elif route.version <= known.route.version:
            return False
        self._take(route)
        self._regroup()
        return True

    def is_of_other_life(self, route: RouteTable) -> bool:
        """Whether another life of the name is known."""
        known = self.services.get(name_of(route))
        return known is not None and known.route.incarnation != route.incarnation

    def forget(self, project: str, run: str) -> None:
        """The run is over."""
        if self._drop((project.encode(), run.encode())):
            self._regroup()

    def replace(self, routes: Iterable[RouteTable]) -> None:
        """Exactly these from now on, whatever their order."""
        named = {name_of(route): route for route in routes}
        for name in self.services.keys() - named.keys():
            self._drop(name)
        for route in named.values():
            self._take(route)
        self._regroup()

    def routes(self) -> tuple[RouteTable, ...]:
        """The tables as they were taken in."""
        return tuple(service.route for service in self.services.values())

    def routes_of(self, project: bytes, opened: Opened) -> tuple[RouteTable, ...]:
        """The tables of the project's services that are open to the caller."""
        return tuple(
            service.route
            for (owner, run), service in self.services.items()
            if owner == project and opened.has(project, run)
        )

    def model(self, project: bytes, name: str, opened: Opened) -> ModelPool | None:
        """The services that answer for the model, as far as they are open to the caller."""
        pool = self.models.get((project, name))
        if pool is None or project in opened.projects:
            return pool
        own = [each for each in pool.services if opened.has(*each.name)]
        return ModelPool(project, name, own, opened) if own else None

    def present(self, pool: Pool) -> "Service | ModelPool | None":
        """What has become of a pool that was in this table; None when there is none any more."""
        if isinstance(pool, ModelPool):
            if pool.opened is None:
                return self.models.get((pool.project, pool.name))
            return self.model(pool.project, pool.name, pool.opened)
        return self.services.get(pool.name) if isinstance(pool, Service) else None

    def marks(self) -> dict[str, TableMark]:
        """Which table of each run this is, by `project/run`."""
        return {
            f"{route.project}/{route.run}": TableMark(
                incarnation=route.incarnation, version=route.version
            )
            for route in self.routes()
        }

    def in_flight(self) -> dict[str, int]:
        """Requests in flight by replica, those that left the table included."""
        return _sums((each.id, each.in_flight) for _, each in self._all_replicas())

    def finished(self) -> dict[str, int]:
        """Requests that replicas have had, by replica as `in_flight`."""
        return _sums((each.id, each.finished) for _, each in self._all_replicas())

    def run_in_flight(self) -> dict[str, int]:
        """Requests in flight, by `project/run`."""
        counts = Counter(dict.fromkeys(self.services, 0))
        for name, replica in self._all_replicas():
            counts[name] += replica.in_flight
        return _by_run(counts)

    def run_finished(self) -> dict[str, int]:
        """Requests that replicas have had since the start, by `project/run`."""
        counts = Counter(dict.fromkeys(self.services, 0))
        for name, replica in self._all_replicas():
            counts[name] += replica.finished
        counts.update(self._finished_before)
        return _by_run(counts)

    def held(self) -> dict[str, int]:
        """Requests that wait for a replica, by `project/run`."""
        return _by_run({name: service.held for name, service in self.services.items()})

    def durations(self) -> dict[str, Durations]:
        """How long exchanges lasted, by `project/run` of what is in the table."""
        return {
            f"{service.route.project}/{service.route.run}": service.durations
            for service in self.services.values()
        }

    def arrived(self) -> dict[str, int]:
        """Requests since the start, by `project/run`."""
        now = {name: service.arrived for name, service in self.services.items()}
        return _by_run({**self._arrived_before, **now})

    def forget_counts(self, ended_before: float) -> None:
        """Of runs that have been over for so long."""
        while self._ended_at:
            name, ended_at = next(iter(self._ended_at.items()))
            if ended_at >= ended_before:
                break
            del self._ended_at[name]
            self._arrived_before.pop(name, None)
            self._finished_before.pop(name, None)

    def close_idle(self, parked_before: float) -> None:
        """Close the connections that were kept for too long."""
        for service in self.services.values():
            for replica in service.replicas.values():
                replica.close_idle_since(parked_before)

    def _all_replicas(self) -> Iterable[tuple[Name, Replica]]:
        """Those that left the table, too, until their last request has ended."""
        self._part()
        for name, service in self.services.items():
            for replica in service.replicas.values():
                yield name, replica
        yield from self._leaving

    def _take(self, route: RouteTable) -> None:
        name = name_of(route)
        service = self.services.get(name)
        if service is None:
            service = self.services[name] = Service(route)
            service.arrived = self._arrived_before.pop(name, 0)
            self._ended_at.pop(name, None)
        self._update(service, route)

    def _drop(self, name: Name) -> bool:
        service = self.services.pop(name, None)
        if service is None:
            return False
        self._arrived_before[name] = service.arrived
        self._ended_at[name] = self._clock()
        for replica in service.replicas.values():
            self._leave(name, replica)
        return True

    def _update(self, service: Service, route: RouteTable) -> None:
        service.route = route
        service.auth, service.strip_prefix = route.auth, route.strip_prefix
        service.starting, service.asleep = route.starting, route.asleep
        model = route.model
        served = model is not None and model.format is ModelFormat.OPENAI
        prefix = model.prefix.rstrip("/").encode() if served and model is not None else b""
        service.forwarded = (
            b"x-forwarded-prefix: %b\r\n" % service.prefix if route.strip_prefix else b""
        )
        known, service.replicas = service.replicas, {}
        for each in route.replicas:
            replica = self._replica(known.pop(each.id, None), each, prefix)
            replica.durations = service.durations
            service.replicas[each.id] = replica
        for gone in known.values():
            self._leave(name_of(route), gone)
        service.ready = [each for each in service.replicas.values() if not each.left_at]

    def _replica(self, known: Replica | None, route: ReplicaRoute, prefix: bytes) -> Replica:
        where = endpoint(route.address, self._tunnels)
        replica = known or Replica(route.id, where)
        replica.model_prefix = prefix
        if replica.endpoint != where:
            replica.endpoint = where
            replica.answered()
            replica.close_idle()
        if route.state is RouteState.DRAINING:
            replica.leave(self._clock())
        else:
            replica.left_at = 0.0
        return replica

    def _leave(self, name: Name, replica: Replica) -> None:
        replica.leave(self._clock())
        self._leaving.append((name, replica))
        self._part()

    def _part(self) -> None:
        """Of those that left and have no request any more, what they had is remembered."""
        for name, replica in self._leaving:
            if not replica.in_flight and (name in self.services or name in self._ended_at):
                self._finished_before[name] += replica.finished
        self._leaving = [each for each in self._leaving if each[1].in_flight]

    def _regroup(self) -> None:
        self.version += 1
        self.models = {}
        for (project, _), service in self.services.items():
            model = service.route.model
            if model is None or model.format is not ModelFormat.OPENAI:
                continue
            pool = self.models.setdefault((project, model.name), ModelPool(project, model.name))
            pool.add(service)
        self.changed()


def _by_run(counts: Mapping[Name, int]) -> dict[str, int]:
    return {f"{project.decode()}/{run.decode()}": count for (project, run), count in counts.items()}


def _sums(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums = Counter[str]()
    for each, count in counts:
        sums[each] += count
    return dict(sums)
