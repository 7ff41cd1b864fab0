"""How many replicas a load needs: what the watch of a run's load is given, and what it finds."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from spec.public import PublicModel
from spec.scaling import ReplicaRange, Scaling

Amount = Annotated[int, Field(ge=0)]


class ScalingSpec(PublicModel):
    """Between how many replicas, and by what: the part of a configuration that scaling needs."""

    replicas: ReplicaRange
    scaling: Scaling


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


class ScalingRule(StrEnum):
    """Why the number of replicas is what it is."""

    UP = "more are needed"
    DOWN = "fewer were enough for the whole delay"
    FROM_ZERO = "somebody asks, and there are none"
    BOUNDS = "the range says so"
    DELAYED = "more are needed, but the last change is too recent"
    RECENT = "fewer are needed now, but not for the whole delay"
    STEADY = "the number is right"


class Verdict(PublicModel):
    """How many replicas there should be, by which rule, and what it saw.

    `need` is what the load asks for now, `highest` the most that it asked for within the delay;
    both within the range. `rps` is in requests per second over the window.
    """

    desired: Amount
    rule: ScalingRule
    need: Amount
    highest: Amount
    rps: float
    busy: Amount


class WatchOrder(PublicModel):
    """Watch this run's load until another number of replicas than `current` is right for it.

    `number` tells this watch from those before it, whose reports do not count any more.
    """

    project: str
    run: str
    incarnation: str
    number: int
    asked: ScalingSpec
    current: Amount
    changed_at: datetime | None = None
    load: Load | None = None


class WatchReport(PublicModel):
    """What a watch found, at what time, and the load that it had seen then.

    `in_flight` is how many requests each replica had, by its id.
    """

    number: int
    at: datetime
    verdict: Verdict
    load: Load
    in_flight: dict[str, int] = {}


class Override(PublicModel):
    """Somebody wants this number of replicas, whatever the load: `until` then, or taken back."""

    replicas: Amount
    until: datetime | None = None


class ScaleState(PublicModel):
    """What a run with a range remembers of its scaling.

    `desired` was decided at `changed_at`. `watch` is the number of the watch whose report counts,
    `load` what the one before it had seen. Until `blocked_until` no replica is added: the last one
    that was failed. `in_flight` by replica, when the number fell last.
    """

    desired: Amount
    changed_at: datetime | None = None
    watch: int = 0
    load: Load | None = None
    blocked_until: datetime | None = None
    in_flight: dict[str, int] = {}


class ScaleRequest(PublicModel):
    """Want this number of replicas for so many seconds (None: until it is taken back).

    Without a number, the load or the configuration decides again.
    """

    replicas: Amount | None = None
    seconds: Amount | None = None
