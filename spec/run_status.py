"""What people may read of a run."""

from datetime import datetime

from spec.public import PublicModel
from spec.replica import ReplicaStatus
from spec.scale import Override
from spec.status import EndReason, RunPhase


class RevertedStatus(PublicModel):
    """That an update to `revision` was undone, and by which failure of a replica."""

    revision: int
    at: datetime
    message: str
    code: str = ""
    hint: str = ""


class RunStatus(PublicModel):
    """A run's line in `ps`: public, for it holds no value that a user wrote but names.

    `reason` is why it ended, None while it lives: what programs ask, `status_message` is for
    people. Of a failed run, `failed_replica` is the number of the one that it failed by: the last
    failed one of that number in `replicas`. None where none was started, or the run is too old.

    `deployment` is the revision whose replicas are wanted; while `updating`, older ones are there,
    or the new ones are not ready yet. `asleep`: it has no replicas because nobody asks; `retrying`:
    one that failed is tried again; at `starts_at` its schedule lets it begin. `reverted` is what
    became of the last update, if that.
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
    deployment: int = 0
    updating: bool = False
    asleep: bool = False
    retrying: bool = False
    starts_at: datetime | None = None
    reverted: RevertedStatus | None = None
    override: Override | None = None
