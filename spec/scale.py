"""How many replicas a load needs: what the watch of a run's load is given, and what it finds."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from spec.load import Amount, WatchMemory
from spec.public import PublicModel
from spec.ranges import Count, whole
from spec.scaling import ReplicaRange, Scaling
from spec.section import problem
from spec.units import LONGEST


class ScalingSpec(PublicModel):
    """Between how many replicas, and by what: the part of a configuration that scaling needs."""

    replicas: ReplicaRange
    scaling: Scaling


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

    `number` tells this watch from those before it, whose reports do not count any more. As long as
    the run is `unproven`, the last replica is right, whatever the load.
    """

    project: str
    run: str
    incarnation: str
    number: int
    asked: ScalingSpec
    current: Amount
    changed_at: datetime | None = None
    memory: WatchMemory | None = None
    unproven: bool = False


class WatchReport(PublicModel):
    """What a watch found, at what time, and what it remembered then.

    `in_flight` is how many requests each replica had, by its id.
    """

    number: int
    at: datetime
    verdict: Verdict
    memory: WatchMemory
    in_flight: dict[str, int] = {}


class Override(PublicModel):
    """Somebody wants this number of replicas, whatever the load: `until` then, or taken back."""

    replicas: Amount
    until: datetime | None = None


class ScaleState(PublicModel):
    """What a run with a range remembers of its scaling.

    `desired` was decided at `changed_at`; None: by a waking, after which the load decides at once.
    `watch` is the number of the watch whose report counts, `memory` what the one before it
    remembered. Until `blocked_until` no replica is added: the last one that was failed. `in_flight`
    by replica, when the number fell last. `unproven`: no replica was ready since none was wanted.
    """

    desired: Amount
    changed_at: datetime | None = None
    watch: int = 0
    memory: WatchMemory | None = None
    blocked_until: datetime | None = None
    in_flight: dict[str, int] = {}
    unproven: bool = False


class ScaleRequest(PublicModel):
    """Want this number of replicas for so many seconds (None: until it is taken back).

    Without a number, the load or the configuration decides again.
    """

    replicas: Count | None = None
    seconds: Annotated[int, BeforeValidator(whole), Field(ge=1, le=LONGEST)] | None = None

    @model_validator(mode="after")
    def _time_needs_a_number(self) -> Self:
        if self.seconds is not None and self.replicas is None:
            raise problem("`seconds` are for a number of replicas.", hint="Give `replicas`, too.")
        return self
