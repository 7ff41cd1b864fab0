"""How a command ends: exit codes that scripts rely on."""

from enum import IntEnum

from cli.failure import failure_of
from spec.status import RunPhase
from spec.submission import RunView


class Outcome(IntEnum):
    """What an exit code means. Errors, and failed runs, have their own: see `perdure.errors`."""

    OK = 0
    FAILED = 1
    INTERRUPTED = 130


def outcome_of(run: RunView) -> int:
    """The exit code of a run that has ended. One that was stopped did what it was told.

    A failed one has that of the error which it is told with.
    """
    return failure_of(run).exit_code if run.status is RunPhase.FAILED else Outcome.OK
