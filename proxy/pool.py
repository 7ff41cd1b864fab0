"""What answers requests: the replicas of a service, and the services that have a model."""

from collections.abc import Iterable

from proxy.auth import Opened
from proxy.balance import Replica
from proxy.stats import Durations
from spec.route import RouteTable

Name = tuple[bytes, bytes]


class Pool:
    """Replicas that can stand in for each other.

    `starting` and `asleep` say whether one is on its way, or comes when somebody asks.
    """

    __slots__ = ("arrived", "asleep", "ready", "starting")

    def __init__(self, ready: Iterable[Replica] = ()) -> None:
        self.ready = list(ready)
        self.starting = self.asleep = False
        self.arrived = 0

    def count(self, replica: Replica | None) -> None:
        """A request arrived; `replica` is where it goes first, None when there is none."""
        self.arrived += 1


class Service(Pool):
    """One run. `prefix` is what its paths begin with for clients; `held` requests wait for it.

    `durations` are those of exchanges with any of its replicas.
    """

    __slots__ = (
        *("auth", "durations", "forwarded", "held", "name", "prefix", "replicas", "route"),
        "strip_prefix",
    )

    def __init__(self, route: RouteTable) -> None:
        super().__init__()
        self.replicas: dict[str, Replica] = {}
        self.name = name_of(route)
        self.prefix = f"/proxy/services/{route.project}/{route.run}".encode()
        self.route = route
        self.auth = route.auth
        self.strip_prefix = route.strip_prefix
        self.forwarded = b""
        self.held = 0
        self.durations = Durations()


class ModelPool(Pool):
    """The services of one project that answer for one model name.

    All of them, or those that are open to callers by what their tokens have `opened`.
    """

    __slots__ = ("name", "opened", "project", "services")

    def __init__(
        self,
        project: bytes,
        name: str,
        services: Iterable[Service] = (),
        opened: Opened | None = None,
    ) -> None:
        super().__init__()
        self.project = project
        self.name = name
        self.opened = opened
        self.services: list[Service] = []
        for service in services:
            self.add(service)

    def add(self, service: Service) -> None:
        """It answers for the model, too."""
        self.services.append(service)
        self.ready += service.ready
        self.starting = self.starting or service.starting
        self.asleep = self.asleep or service.asleep

    @property
    def awaited(self) -> Service:
        """Whose replica will be the first, where none is ready."""
        starting = (each for each in self.services if each.starting)
        asleep = (each for each in self.services if each.asleep)
        return next(starting, None) or next(asleep, None) or self.services[0]

    def count(self, replica: Replica | None) -> None:
        """It counts for the service whose replica it is, or for the one that is awaited."""
        owners = (each for each in self.services if replica in each.ready)
        (next(owners, None) or self.awaited).arrived += 1


def name_of(route: RouteTable) -> Name:
    """Of the service that a table is of, as it stands in paths."""
    return route.project.encode(), route.run.encode()
