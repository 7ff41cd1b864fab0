"""How a replica ended, from what was seen of it."""

from perdure import errors
from perdure.errors import PerdureError
from spec.job import JobPhase, JobState
from spec.public import PublicModel
from spec.status import EndReason, ReplicaPhase

_REASONS: tuple[tuple[type[PerdureError], EndReason], ...] = (
    (errors.NoCapacity, EndReason.NO_CAPACITY),
    (errors.InstanceUnreachable, EndReason.INSTANCE_UNREACHABLE),
    (errors.NotReadyInTime, EndReason.TOOK_TOO_LONG),
    (errors.VolumeFailed, EndReason.VOLUME_ERROR),
    (errors.ImagePullFailed, EndReason.IMAGE_PULL_FAILED),
    (errors.ContainerCreateFailed, EndReason.CONTAINER_NOT_CREATED),
    (errors.RuntimeUnsupported, EndReason.CONTAINER_NOT_CREATED),
)


class Ending(PublicModel):
    """Why, with which exit code if there was one, and in an error's words."""

    reason: EndReason
    exit_code: int | None = None
    detail: str = ""

    @property
    def phase(self) -> ReplicaPhase:
        """The final phase."""
        return self.reason.phase


def ending_of_error(error: PerdureError) -> Ending:
    """The ending that an error of one of the replica's deeds means."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return Ending(reason=reason, detail=error.message)
    return Ending(reason=EndReason.ERROR, detail=error.message)


def ending_of_exit(job: JobState) -> Ending:
    """The ending of a container that ended by itself, or is not there any more."""
    if job.phase is JobPhase.MISSING:
        return Ending(reason=EndReason.ERROR, detail="The container was removed by somebody else.")
    if job.out_of_memory:
        return Ending(reason=EndReason.OUT_OF_MEMORY, exit_code=job.exit_code)
    if job.exit_code == 0:
        return Ending(reason=EndReason.EXITED, exit_code=0)
    return Ending(reason=EndReason.EXITED_WITH_ERROR, exit_code=job.exit_code)
