"""Where a run and its replicas are in their lives, and why they ended."""

from enum import StrEnum


class RunPhase(StrEnum):
    """A run's life, in order; the last three are final.

    `PENDING` runs wait: for a time, for a request, or for a try.
    """

    PENDING = "pending"
    SUBMITTED = "submitted"
    PROVISIONING = "provisioning"
    PULLING = "pulling"
    RUNNING = "running"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    FAILED = "failed"
    DONE = "done"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in (RunPhase.TERMINATED, RunPhase.FAILED, RunPhase.DONE)


class ReplicaPhase(StrEnum):
    """A replica's life, in order; the last four are final."""

    SUBMITTED = "submitted"
    PROVISIONING = "provisioning"
    PULLING = "pulling"
    RUNNING = "running"
    DRAINING = "draining"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    ABORTED = "aborted"
    FAILED = "failed"
    DONE = "done"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in FINAL_REPLICA_PHASES

    @property
    def is_starting(self) -> bool:
        """Whether it has not run yet."""
        return self in (ReplicaPhase.SUBMITTED, ReplicaPhase.PROVISIONING, ReplicaPhase.PULLING)


FINAL_REPLICA_PHASES = frozenset(
    {ReplicaPhase.TERMINATED, ReplicaPhase.ABORTED, ReplicaPhase.FAILED, ReplicaPhase.DONE}
)


class Health(StrEnum):
    """What its probes say of a replica that runs: not ready yet, or since then."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class EndReason(StrEnum):
    """Why a replica ended, and with it a run.

    `INTERRUPTED` and `ACCESS_REVOKED` are for machines of clouds: nothing sets them yet.
    """

    NO_CAPACITY = "no capacity"
    INTERRUPTED = "interrupted"
    INSTANCE_UNREACHABLE = "instance unreachable"
    ACCESS_REVOKED = "access revoked"
    TOOK_TOO_LONG = "took too long to start"
    VOLUME_ERROR = "volume error"
    IMAGE_PULL_FAILED = "image pull failed"
    CONTAINER_NOT_CREATED = "container could not be created"
    EXITED_WITH_ERROR = "container exited with an error"
    OUT_OF_MEMORY = "out of memory"
    UNHEALTHY = "unhealthy"
    LOG_QUOTA = "log quota exceeded"
    ERROR = "error"
    STOPPED_BY_USER = "stopped by user"
    SCALED_DOWN = "scaled down"
    REPLACED = "replaced by a newer deployment"
    MAX_DURATION = "max duration"
    UTILIZATION = "utilization policy"
    ABORTED_BY_USER = "aborted by user"
    OWNER_GONE = "its run is gone"
    EXITED = "process exited 0"

    @property
    def phase(self) -> ReplicaPhase:
        """The final phase that the reason leads to."""
        return _PHASES.get(self, ReplicaPhase.FAILED)


_PHASES = {
    EndReason.STOPPED_BY_USER: ReplicaPhase.TERMINATED,
    EndReason.SCALED_DOWN: ReplicaPhase.TERMINATED,
    EndReason.REPLACED: ReplicaPhase.TERMINATED,
    EndReason.MAX_DURATION: ReplicaPhase.TERMINATED,
    EndReason.UTILIZATION: ReplicaPhase.TERMINATED,
    EndReason.OWNER_GONE: ReplicaPhase.TERMINATED,
    EndReason.ABORTED_BY_USER: ReplicaPhase.ABORTED,
    EndReason.EXITED: ReplicaPhase.DONE,
}
