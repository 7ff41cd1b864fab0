"""A run: what it remembers, and what is said to it."""

from datetime import datetime

from spec.decision import Decision
from spec.deployment import Deployment, Reverted
from spec.pauses import Pauses
from spec.public import Model, PublicModel
from spec.replica import ReplicaRecord
from spec.retrial import Retrial
from spec.route import RouteTable
from spec.run_spec import RunSpec
from spec.scale import Override, ScaleState
from spec.status import EndReason


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
    """That the run is on its way out, since when, and how; `reason` where nobody asked for it."""

    at: datetime
    deadline: datetime
    abort: bool = False
    reason: EndReason | None = None

    @property
    def ended_by(self) -> EndReason:
        """Why the run ends, and its replicas with it."""
        asked = EndReason.ABORTED_BY_USER if self.abort else EndReason.STOPPED_BY_USER
        return self.reason or asked


class RunState(Model):
    """All that a run remembers; carried whole through continue-as-new.

    `elastic` runs scale, retry and update themselves; those that began before that was built do
    not. `deployment` is the revision since which replicas are made as they are now, `good` the last
    one that served, `reverted` what became of the last that could not, `sealed` are the envelopes
    that any has used. `ready_at` is when a replica was ready for the first time; `exclusive`: where
    its replicas are, there is room for one; at `starts_at` its schedule lets it begin. Of `decided`
    decisions in all, `decisions` are not kept yet; of very many, the newest.
    """

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
    elastic: bool = False
    deployment: int = 0
    good: Deployment | None = None
    reverted: Reverted | None = None
    scale: ScaleState | None = None
    override: Override | None = None
    retrials: tuple[Retrial, ...] = ()
    pauses: Pauses = Pauses()
    ready_at: datetime | None = None
    exclusive: bool = False
    starts_at: datetime | None = None
    sealed: tuple[str, ...] = ()
    decided: int = 0
    decisions: tuple[Decision, ...] = ()


class RunStart(Model):
    """The input of a run: its name, how patient it is, and its memory when it was renewed."""

    project: str
    name: str
    renew_after_events: int = 4_000
    pauses: Pauses = Pauses()
    state: RunState | None = None


class ApplyRequest(Model):
    """Want this from now on. `check` is the plan's; None applies to whatever is there now."""

    spec: RunSpec
    check: str | None = None


class StopRequest(PublicModel):
    """End the run; with `abort`, at once and without draining."""

    abort: bool = False


class WakeNote(PublicModel):
    """A request waits for a replica of this life of the run."""

    incarnation: str
