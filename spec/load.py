"""What proxies count of one service, and what the watch of a run's load remembers of it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from spec.public import PublicModel

Amount = Annotated[int, Field(ge=0)]


class LoadSample(PublicModel):
    """What the proxies saw of one service in the `seconds` before `at`.

    Requests that `arrived`, and those that are `busy`: in flight on a replica, or held for one.
    """

    at: datetime
    seconds: float
    arrived: Amount
    busy: Amount = 0


class Arrivals(PublicModel):
    """Requests that arrived in the step that ended at `at`."""

    at: datetime
    count: float


class Need(PublicModel):
    """That so many replicas were needed at that time."""

    at: datetime
    replicas: Amount


class Load(PublicModel):
    """What is remembered of a service's load, oldest first: enough to decide, and no more.

    `needs` are those that may still be the highest of the time that counts: each is lower than
    the one before it.
    """

    arrivals: tuple[Arrivals, ...] = ()
    busy: Amount = 0
    needs: tuple[Need, ...] = ()


class Figures(PublicModel):
    """What the proxies told at `at`.

    Requests that `arrived` by the proxy's boot, which only grow; those that are `busy`, and how
    many of them each replica has. `is_whole`: all proxies told. Until `since` nothing had changed
    for who waited for a change.
    """

    at: datetime
    since: datetime | None = None
    arrived: dict[str, int] = {}
    busy: int = 0
    in_flight: dict[str, int] = {}
    is_whole: bool = True

    def is_like(self, other: "Figures") -> bool:
        """Whether nothing was counted since the other ones."""
        return (self.arrived, self.busy) == (other.arrived, other.busy)


class Counted(PublicModel):
    """How many requests had arrived at one proxy when it last told."""

    at: datetime
    count: int


class WatchMemory(PublicModel):
    """What a watch has seen: it beats it, so that who takes over from a dead worker goes on."""

    load: Load = Load()
    counted: dict[str, Counted] = {}
