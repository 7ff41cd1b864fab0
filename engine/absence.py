"""What is said of runs that are not there, or not any more, or do not answer."""

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from engine.failures import as_error
from perdure.errors import Conflict, NotFound, RunStopping, Unavailable

NO_HANDLER_LEFT = "AcceptedUpdateCompletedWorkflow"


def no_run(project: str, run: str) -> NotFound:
    """Nothing is known of a run of that name."""
    return NotFound(
        f"There is no run `{run}` in the project `{project}`.",
        hint="`perdure ps -a` lists the runs, finished ones too.",
    )


def not_running(run: str) -> Conflict:
    """The run is known, and has ended or is about to."""
    return Conflict(
        f"The run `{run}` is not running.", hint="`perdure apply` of its configuration starts it."
    )


def not_taken_up(run: str, what: str, doing: str, seconds: int) -> Unavailable:
    """No worker has answered what was asked of the run within that time."""
    return Unavailable(
        f"No worker has taken up the {what} of `{run}` in {seconds} s.",
        hint=f"`perdure doctor` on the server's machine tells why. Then {doing} it again.",
    )


def not_found(project: str, run: str, error: RPCError) -> NotFound | Unavailable:
    """What Temporal's answer means: there is none, or Temporal is away."""
    if error.status is RPCStatusCode.NOT_FOUND:
        return no_run(project, run)
    return Unavailable("Temporal does not answer.", hint="Try again in a moment.")


def has_ended(failure: WorkflowUpdateFailedError) -> bool:
    """Whether an update failed as its run ended before it was answered."""
    cause = failure.cause
    return isinstance(cause, ApplicationError) and cause.type == NO_HANDLER_LEFT


def is_ending(failure: WorkflowUpdateFailedError) -> bool:
    """Whether an update failed as its run has ended, or is on its way out."""
    return has_ended(failure) or isinstance(as_error(failure), RunStopping)
