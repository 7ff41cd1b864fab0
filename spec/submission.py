"""What the command line and the API say to each other about runs."""

from datetime import datetime

from spec.decision import Rejected, Rule
from spec.log import LogStream
from spec.plan import Plan, PlanAction
from spec.public import Model
from spec.ranges import Count
from spec.run import Accepted
from spec.run_spec import CodeArchive, Repository
from spec.run_status import RevertedStatus
from spec.scale import Override
from spec.service import ServiceConfiguration
from spec.status import EndReason, Health, ReplicaPhase, RunPhase


class Submission(Model):
    """A configuration to plan or to apply. Its `env` holds values: it never goes to Temporal."""

    configuration: ServiceConfiguration
    code: CodeArchive | None = None
    repository: Repository | None = None


class PlanCall(Submission):
    """Ask for a plan; `max_offers` None for all offers."""

    max_offers: int | None = 3


class ApplyCall(Submission):
    """Apply. `check` is the plan's; without it, whatever runs under the name is updated."""

    check: str | None = None


class Applied(Model):
    """What was accepted, and where it will answer."""

    project: str
    name: str
    action: PlanAction
    accepted: Accepted
    url: str
    model: str | None = None
    model_url: str | None = None


class RollbackPlan(Model):
    """What going back to `revision` would do; `at` and by whom that was applied."""

    revision: int
    at: datetime
    user: str
    plan: Plan


class RollbackCall(Model):
    """Go back to the revision `to`, as it was. `check` is the plan's, as for an apply."""

    to: Count
    check: str | None = None


class StopCall(Model):
    """Stop a run; with `abort`, at once and without draining."""

    abort: bool = False


class ReplicaView(Model):
    """A replica, as `ps` shows it; `price` in USD per hour, `reason` why it ended.

    `code` and `hint` are those of the error that ended it, empty when none did; `health` is what
    its probes said last, None where it has none.
    """

    num: int
    status: ReplicaPhase
    deployment: int
    backend: str | None
    region: str | None
    resources: str | None = None
    price: float | None
    ready: bool
    message: str = ""
    reason: EndReason | None = None
    code: str = ""
    hint: str = ""
    health: Health | None = None


class RunView(Model):
    """A run, as `ps` shows it: `url` and `model_url` are its addresses, `reason` why it ended.

    `failed_replica` is the number of the replica by which a failed run failed, if one did.

    There should be `desired` replicas, of the revision `deployment` (0 of a run that is too old to
    tell). While `updating`, older ones are there, or the new ones are not ready yet. `reverted` is
    what became of the last update, if it was undone. `asleep`: it has none because nobody asks;
    `retrying`: one that failed is tried again; at `starts_at` its schedule lets it begin.
    """

    name: str
    project: str
    status: RunPhase
    status_message: str
    submitted_at: datetime
    url: str
    model_url: str | None
    replicas: tuple[ReplicaView, ...]
    incarnation: str = ""
    model: str | None = None
    reason: EndReason | None = None
    failed_replica: int | None = None
    revision: int = 0
    desired: int = 0
    deployment: int = 0
    updating: bool = False
    reverted: RevertedStatus | None = None
    override: Override | None = None
    asleep: bool = False
    retrying: bool = False
    starts_at: datetime | None = None

    @property
    def failed_by(self) -> ReplicaView | None:
        """The replica by which it failed: the last failed one of that number."""
        failed = (r for r in self.replicas if r.status is ReplicaPhase.FAILED)
        return next((r for r in reversed([*failed]) if r.num == self.failed_replica), None)


class LogLine(Model):
    """A line that a replica printed. `id` grows along the log of a run: ask again after it."""

    id: int
    at: datetime
    replica: int
    stream: LogStream
    text: str


class DecisionView(Model):
    """A decision of a run, as `why` tells it. `id` grows along the decisions of a project.

    `number` counts those of the life `incarnation` from 1. `inputs` are the facts of that moment,
    by names that have their units in them (`requests_per_second`).
    """

    id: int
    project: str
    run: str
    incarnation: str
    number: int
    at: datetime
    rule: Rule
    outcome: str
    inputs: dict[str, str]
    rejected: tuple[Rejected, ...]
