"""A run: what was asked, what is, and what people may read of it."""

from datetime import datetime

from spec.public import Model, PublicModel
from spec.route import RouteTable
from spec.service import ServiceConfiguration
from spec.status import EndReason, Health, ReplicaPhase, RunPhase


class CodeArchive(Model):
    """The repository's contents: a gzipped tar in the store, by the SHA-256 (hex) of its bytes.

    `identity` is a hash of the contents but for the files that describe services: one whose
    `replicas` were edited still runs the same code. Empty where nobody knows it.
    """

    sha256: str
    size: int
    identity: str = ""

    def is_same_code(self, other: "CodeArchive | None") -> bool:
        """Whether the other archive has the same contents, as far as the service is concerned."""
        if other is None:
            return False
        if self.identity and other.identity:
            return self.identity == other.identity
        return self.sha256 == other.sha256


class Repository(Model):
    """Where the code came from. `id` is stable; `working_dir` is below the archive's root."""

    id: str
    working_dir: str = "."


class RunSpec(Model):
    """What a run is asked to be. It travels sealed, and still holds no secret value.

    The configuration's `env` has names only, its `registry_auth` is empty: the values lie in the
    store under `sealed`, and `digests` holds a keyed hash of each, by `env.NAME` or
    `registry_auth`, so that two specifications can be compared. `requested` are the properties
    of `resources` that the user wrote, the others are defaults.
    """

    configuration: ServiceConfiguration
    sealed: str = ""
    digests: dict[str, str] = {}
    requested: tuple[str, ...] = ()
    code: CodeArchive | None = None
    repository: Repository | None = None

    @property
    def has_registry_auth(self) -> bool:
        """Whether the image is pulled with credentials, which may lie in the store."""
        return self.configuration.registry_auth is not None or "registry_auth" in self.digests

    @property
    def replicas(self) -> int:
        """How many replicas to keep: the minimum, and at least one for a range."""
        wanted = self.configuration.replicas
        return wanted.min if wanted.fixed else max(1, wanted.min)


class Placement(PublicModel):
    """Where a replica runs and what it costs, in USD per hour (None: unknown)."""

    backend: str
    region: str
    instance_type: str
    resources: str
    price: float | None = None


class ReplicaRecord(Model):
    """One replica in its run's books. `num` is its slot, `id` that of its workflow.

    `deployment` is the revision it was started for; `leave_by` when it was told to be gone;
    `code`, `detail` and `hint` are those of the error that ended it, for people; `detail` also what
    the probes of an unhealthy one say. `health` is None for one without probes.
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
    code: str = ""
    detail: str = ""
    hint: str = ""
    health: Health | None = None


class ReplicaEvent(Model):
    """What a replica tells its run; sealed, for `detail` may quote what a user wrote.

    `incarnation` keeps a past life's news out of this one.
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


class LeaveOrder(PublicModel):
    """A replica is to go: out of the routes since table `route_version`, gone at `deadline`."""

    route_version: int
    deadline: datetime
    reason: EndReason


class ReplicaStatus(PublicModel):
    """A replica's line in `ps`; `code` and `hint` are those of the error that ended it.

    `health` is what its probes said last, None where it has none.
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


class RunStatus(PublicModel):
    """A run's line in `ps`: public, for it holds no value that a user wrote but names.

    `reason` is why it ended, None while it lives: what programs ask, `status_message` is for
    people. Of a failed run, `failed_replica` is the number of the one that it failed by: the last
    failed one of that number in `replicas`. None where none was started, or the run is too old.
    """

    project: str
    name: str
    status: RunPhase
    status_message: str
    submitted_at: datetime
    incarnation: str
    revision: int
    desired: int
    ready: int
    model: str | None = None
    replicas: tuple[ReplicaStatus, ...] = ()
    reason: EndReason | None = None
    failed_replica: int | None = None


class Accepted(PublicModel):
    """The answer to `apply`.

    `sealed` is the envelope that the run uses from now on, which need not be the one that came
    with the request; empty where the run is too old to tell. `changed`: something is different.
    """

    run: str
    incarnation: str
    revision: int
    replicas: int
    sealed: str = ""
    changed: bool = True


class Answer(PublicModel):
    """An answered update, remembered so that its repetition gets the same answer."""

    update_id: str
    accepted: Accepted


class StopState(Model):
    """That the run is on its way out, since when, and how."""

    at: datetime
    deadline: datetime
    abort: bool = False


class RunState(Model):
    """All that a run remembers; carried whole through continue-as-new."""

    project: str
    name: str
    incarnation: str
    submitted_at: datetime
    route: RouteTable
    spec: RunSpec | None = None
    revision: int = 0
    generation: int = 0
    stop: StopState | None = None
    records: tuple[ReplicaRecord, ...] = ()
    answers: tuple[Answer, ...] = ()


class RunStart(Model):
    """The input of a run: its name, and its memory when it was renewed."""

    project: str
    name: str
    renew_after_events: int = 4_000
    state: RunState | None = None


class ApplyRequest(Model):
    """Want this from now on. `check` is the plan's; None applies to whatever is there now."""

    spec: RunSpec
    check: str | None = None


class StopRequest(PublicModel):
    """End the run; with `abort`, at once and without draining."""

    abort: bool = False
