"""A replica in its run's books: where it is, what it tells, and what people may read of it."""

from datetime import datetime

from spec.decision import Rejected
from spec.public import Model, PublicModel
from spec.status import EndReason, Health, ReplicaPhase


class Placement(PublicModel):
    """Where a replica runs and what it costs, in USD per hour (None: unknown).

    `exclusive`: no second one of its run can run beside it, as they would share a port.
    """

    backend: str
    region: str
    instance_type: str
    resources: str
    price: float | None = None
    exclusive: bool = False


class ReplicaRecord(Model):
    """One replica in its run's books. `num` is its slot, `id` that of its workflow.

    `deployment` is the revision it was started for; `leave_by` when it was told to be gone;
    `code`, `detail` and `hint` are those of the error that ended it, for people. `started_at` and
    `ready_at` are when it was started, and ready for the first time; `judged`: that it failed has
    had its consequences. `health` is what its probes said last, None for one without probes.
    """

    id: str
    num: int
    deployment: int = 1
    phase: ReplicaPhase = ReplicaPhase.SUBMITTED
    ready: bool = False
    address: str = ""
    placement: Placement | None = None
    reason: EndReason | None = None
    exit_code: int | None = None
    leave_by: datetime | None = None
    started_at: datetime | None = None
    ready_at: datetime | None = None
    judged: bool = False
    code: str = ""
    detail: str = ""
    hint: str = ""
    health: Health | None = None


class ReplicaEvent(Model):
    """What a replica tells its run; sealed, for `detail` may quote what a user wrote.

    `incarnation` keeps a past life's news out of this one; `passed_over` are the offers that were
    tried before that of `placement`, and what each lacked.
    """

    incarnation: str
    replica: str
    phase: ReplicaPhase
    ready: bool = False
    address: str = ""
    placement: Placement | None = None
    reason: EndReason | None = None
    exit_code: int | None = None
    code: str = ""
    detail: str = ""
    hint: str = ""
    health: Health | None = None
    passed_over: tuple[Rejected, ...] = ()


class LeaveOrder(PublicModel):
    """A replica is to go: out of the routes since table `route_version`, gone at `deadline`."""

    route_version: int
    deadline: datetime
    reason: EndReason


class ReplicaStatus(PublicModel):
    """A replica's line in `ps`; `code` and `hint` are those of the error that ended it.

    `id` is that of its workflow, by which proxies count; empty where the run is too old to tell.
    """

    num: int
    status: ReplicaPhase
    deployment: int
    backend: str | None = None
    region: str | None = None
    resources: str | None = None
    price: float | None = None
    ready: bool = False
    message: str = ""
    reason: EndReason | None = None
    code: str = ""
    hint: str = ""
    health: Health | None = None
    id: str = ""
