"""What workflows and their activities say to each other, in the order of a replica's life."""

from datetime import datetime
from enum import StrEnum

from spec.decision import Decision
from spec.job import JobState
from spec.offer import Offer
from spec.probe import Probe
from spec.profile import UtilizationPolicy
from spec.public import Model, PublicModel
from spec.run_spec import RunSpec
from spec.run_status import RunStatus
from spec.status import Health


class ReplicaStart(Model):
    """The input of a replica: whose it is, and what it runs.

    `owner` is the run's workflow id; `num` its slot; `deployment` the revision. One that is not
    `elastic` began in a version that neither probed nor scaled, and takes the steps of then.
    """

    owner: str
    project: str
    run: str
    incarnation: str
    num: int
    deployment: int
    spec: RunSpec
    elastic: bool = False


class CreateOrder(PublicModel):
    """One attempt at one offer, with those of its GPUs that were chosen, by their ids.

    `token` makes repetition harmless.
    """

    token: str
    replica: str
    project: str
    run: str
    offer: Offer
    gpu_ids: tuple[str, ...] = ()


class Instance(PublicModel):
    """A machine, or a share of one, that is ours; `host` is how to reach it (`local`)."""

    token: str
    backend: str
    host: str = "local"
    gpus: tuple[str, ...] = ()


class ContainerOrder(Model):
    """Pull for, or start, this replica's container on its instance."""

    instance: Instance
    replica: str
    start: ReplicaStart


class Pulled(PublicModel):
    """The image is there."""

    image: str = ""


class ReadyOrder(Model):
    """Wait until the service is ready: a connection to its port, then what its `probes` say.

    With `model_path`, as of a version without probes, a 200 there. `since` is when the wait began,
    whichever attempt of the deed goes on with it. Probes hold what a user wrote: it is sealed.
    """

    instance: Instance
    address: str
    port: int
    model_path: str | None = None
    since: datetime | None = None
    probes: tuple[Probe, ...] = ()


class Readiness(PublicModel):
    """It answers; or `ended`: it exited before it did."""

    ended: JobState | None = None


class CollectOrder(PublicModel):
    """Bring this job's log into the store, to its end."""

    instance: Instance
    project: str
    run: str
    incarnation: str
    replica: str
    num: int


class Collected(PublicModel):
    """How many entries the store now has of the job; `over_quota` when its share is full."""

    entries: int
    over_quota: bool = False


class MonitorOrder(Model):
    """Watch a job, on behalf of the life `incarnation` of the run `owner`.

    With `probes`, also what these say at the `address` that requests are sent to; `health` is what
    is known, since `since`, and `lapses` how often it became unhealthy before. With `utilization`,
    how much its GPUs are used. Probes hold what a user wrote: it is sealed.
    """

    instance: Instance
    owner: str
    incarnation: str
    address: str = ""
    probes: tuple[Probe, ...] = ()
    health: Health = Health.HEALTHY
    since: datetime | None = None
    lapses: int = 0
    utilization: UtilizationPolicy | None = None


class Idleness(PublicModel):
    """When a monitor last saw a GPU of its replica in use; the next attempt goes on from there."""

    busy_at: datetime


class Finding(StrEnum):
    """Why a monitor returned."""

    ENDED = "ended"
    OWNER_GONE = "owner gone"
    UNHEALTHY = "unhealthy"
    HEALTHY = "healthy again"
    LOST = "unhealthy for too long or too often"
    IDLE = "its GPUs are idle"


class MonitorReport(PublicModel):
    """What a monitor found; `job` when it ended, `detail` what its probes say, for people."""

    finding: Finding
    job: JobState | None = None
    detail: str = ""


class DrainOrder(PublicModel):
    """Wait until no proxy sends anything to `replica`, but not beyond `deadline`."""

    project: str
    run: str
    incarnation: str
    replica: str
    route_version: int
    deadline: datetime


class DrainReport(PublicModel):
    """Whether all proxies acknowledged; `waiting_for` are those that did not."""

    acknowledged: bool
    waiting_for: tuple[str, ...] = ()


class HaltOrder(PublicModel):
    """SIGTERM, and SIGKILL after `grace` seconds."""

    instance: Instance
    grace: float


class ReleaseOrder(PublicModel):
    """Remove whatever was made under these tokens at these places (`backend`, by token)."""

    backends: dict[str, str]


class Released(PublicModel):
    """How many of them still had something."""

    removed: int


class CloseOrder(PublicModel):
    """A run has ended: forget the values that were sealed for it."""

    project: str
    run: str
    sealed: tuple[str, ...]


class Closed(PublicModel):
    """The values are gone."""


class DecisionBatch(PublicModel):
    """What one life of a run decided, in order, and how the run is after that.

    `status` is that of the time `at`; without one, of that of the last decision. Where there is
    neither, nobody knows when it was so, and it is not kept.
    """

    project: str
    run: str
    incarnation: str
    decisions: tuple[Decision, ...] = ()
    status: RunStatus | None = None
    at: datetime | None = None

    @property
    def status_at(self) -> datetime | None:
        """When `status` was so."""
        return self.at or (self.decisions[-1].at if self.decisions else None)


class Kept(PublicModel):
    """How many decisions were new: what is told again is there already."""

    count: int
