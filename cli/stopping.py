"""`stop`: ask for the end of runs, and wait until nothing of them is left."""

from collections.abc import Sequence

from cli.client import Client
from cli.failure import other_failures
from cli.outcome import Outcome
from cli.persistence import persist
from cli.progress import watch
from cli.report import report
from cli.run_table import describe_status
from cli.terminal import confirm, interruptible, say
from cli.waiting import waiting
from perdure.errors import PerdureError, sentence
from spec.submission import RunView, StopCall

NOTHING_STOPPED = "Nothing was stopped."


def stop_runs(client: Client, names: Sequence[str], *, abort: bool, yes: bool) -> int:
    """Stop each of the runs and wait for their ends; return the first failure's exit code.

    Raises `NotFound` for a name that nobody has, before anything is asked.
    """
    listed = ", ".join(names)
    noun = "run" if len(names) == 1 else "runs"
    with interruptible(NOTHING_STOPPED):
        if not yes:
            require_known(client, names)
        if not yes and not confirm(f"{'Abort' if abort else 'Stop'} the {noun} {listed}?"):
            say(NOTHING_STOPPED)
            return Outcome.FAILED
    codes, stopping = [], []
    for name in dict.fromkeys(names):
        try:
            request_stop(client, name, abort=abort)
            stopping.append(name)
        except PerdureError as error:
            codes.append(report(error))
    _wait_for_ends(client, stopping)
    return next(iter(codes), Outcome.OK)


def require_known(client: Client, names: Sequence[str]) -> None:
    """Raise `NotFound` for the first name that nobody has: there is nothing to ask about it."""
    for name in names:
        where = client.in_project("runs", name)
        persist(lambda: client.get(RunView, where))  # noqa: B023 - called before the next one


def stop_run(client: Client, name: str) -> None:
    """Stop the run, and wait for its end."""
    request_stop(client, name, abort=False)
    _wait_for_ends(client, [name])


def request_stop(client: Client, name: str, *, abort: bool) -> None:
    """Ask the run to end; with `abort`, at once. Raises `NotFound`."""
    where, call = client.in_project("runs", name, "stop"), StopCall(abort=abort)
    with waiting("Asking for the end …"):
        persist(lambda: client.send("POST", where, json=call.model_dump()))


def until_end(client: Client, name: str) -> RunView:
    """Show how the run comes to its end."""
    return watch(client, name, until=lambda run: run.status.is_final)


def tell_end(run: RunView) -> None:
    """Say how the run ended."""
    ended = describe_status(run)
    say(sentence(f"The run {run.name} has ended: {ended}"))
    for line in other_failures(run):
        say(line)


def _wait_for_ends(client: Client, names: Sequence[str]) -> None:
    """Until all have ended. Ctrl-C ends the waiting, and not what was asked for."""
    left = list(names)
    try:
        while left:
            tell_end(until_end(client, left[0]))
            left.pop(0)
    except KeyboardInterrupt:
        who, go = ("The run", "goes") if len(left) == 1 else ("The runs", "go")
        say(f"{who} {', '.join(left)} {go} on stopping: `perdure ps` shows when that is done.")
        raise
