"""How a replica ended, from what was seen of it."""

from perdure import errors
from perdure.errors import (
    ContainerExited,
    LogQuotaExceeded,
    OutOfMemory,
    PerdureError,
    Unhealthy,
)
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
    (errors.Unhealthy, EndReason.UNHEALTHY),
    (errors.LogQuotaExceeded, EndReason.LOG_QUOTA),
    (errors.OutOfMemory, EndReason.OUT_OF_MEMORY),
    (errors.ContainerExited, EndReason.EXITED_WITH_ERROR),
)

_EXITS = {
    126: "A command cannot be executed.",
    127: "A command was not found.",
    137: "It was killed (SIGKILL), as Linux does to a program when memory runs out.",
}
"""What exit codes of shells mean; all others are the application's own."""


class Ending(PublicModel):
    """Why, with which exit code if there was one, and as an error: its code, its words, its hint.

    An end that was wanted has no `code`.
    """

    reason: EndReason
    exit_code: int | None = None
    code: str = ""
    detail: str = ""
    hint: str = ""

    @property
    def phase(self) -> ReplicaPhase:
        """The final phase."""
        return self.reason.phase


def ending_of_error(error: PerdureError, exit_code: int | None = None) -> Ending:
    """The ending that an error means, of one of the replica's deeds or of its container."""
    reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
    return Ending(
        reason=next(reasons, EndReason.ERROR),
        exit_code=exit_code,
        code=error.code(),
        detail=error.message,
        hint=error.hint,
    )


def ending_of_exit(job: JobState, run: str) -> Ending:
    """The ending of a container of `run` that ended by itself, or is not there any more."""
    log = f"Its last words are in its log: `perdure logs {run}`."
    if job.phase is JobPhase.MISSING:
        return ending_of_error(
            errors.HostError("The container was removed by somebody else.", hint="Apply again.")
        )
    if job.exit_code == 0 and not job.out_of_memory:
        return Ending(reason=EndReason.EXITED, exit_code=0)
    if job.out_of_memory:
        memory = "Raise the maximum of `resources.memory`, or have the service use less."
        return ending_of_error(
            OutOfMemory("It used more memory than it may.", hint=memory), job.exit_code
        )
    meaning = _EXITS.get(job.exit_code or 0, "")
    return ending_of_error(ContainerExited(meaning, hint=log), job.exit_code)


def ending_unhealthy(detail: str, run: str) -> Ending:
    """The ending of a replica of `run` whose probes failed for too long, or too often."""
    hint = f"What it says itself is in its log: `perdure logs {run}`."
    return ending_of_error(Unhealthy(detail, hint=hint))


def ending_over_quota() -> Ending:
    """The ending of a replica whose run has written too much."""
    return ending_of_error(
        LogQuotaExceeded(
            "It wrote more log than the server keeps of a run.",
            hint="Have it write less, or raise `PERDURE_LOG_QUOTA_MB` of the server.",
        )
    )
