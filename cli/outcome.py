"""How a command ends: exit codes that scripts rely on."""

from enum import IntEnum

from spec.status import EndReason, RunPhase
from spec.submission import RunView


class Outcome(IntEnum):
    """What an exit code means. Errors bring their own: see `perdure.errors`."""

    OK = 0
    FAILED = 1
    NO_CAPACITY = 5
    TIMED_OUT = 124
    INTERRUPTED = 130


_BY_REASON = {
    EndReason.NO_CAPACITY: Outcome.NO_CAPACITY,
    EndReason.TOOK_TOO_LONG: Outcome.TIMED_OUT,
}


def outcome_of(run: RunView) -> Outcome:
    """The outcome of a run that has ended. One that was stopped did what it was told."""
    if run.status is not RunPhase.FAILED:
        return Outcome.OK
    return Outcome.FAILED if run.reason is None else _BY_REASON.get(run.reason, Outcome.FAILED)
