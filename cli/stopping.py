"""`stop`: ask for the end of runs, and wait until nothing of them is left."""

from collections.abc import Sequence

from cli.client import Client
from cli.outcome import Outcome
from cli.persistence import persist
from cli.progress import watch
from cli.report import report
from cli.run_table import describe_status
from cli.terminal import confirm, say
from perdure.errors import PerdureError, sentence
from spec.status import ReplicaPhase
from spec.submission import RunView, StopCall


def stop_runs(client: Client, names: Sequence[str], *, abort: bool, yes: bool) -> int:
    """Stop each of the runs and wait for their ends; return the first failure's exit code."""
    listed = ", ".join(names)
    noun = "run" if len(names) == 1 else "runs"
    if not yes and not confirm(f"{'Abort' if abort else 'Stop'} the {noun} {listed}?"):
        say("Nothing was stopped.")
        return Outcome.FAILED
    codes, stopping = [], []
    for name in dict.fromkeys(names):
        try:
            request_stop(client, name, abort=abort)
            stopping.append(name)
        except PerdureError as error:
            codes.append(report(error))
    for name in stopping:
        wait_for_end(client, name)
    return next(iter(codes), Outcome.OK)


def stop_run(client: Client, name: str) -> None:
    """Stop the run, and wait for its end."""
    request_stop(client, name, abort=False)
    wait_for_end(client, name)


def request_stop(client: Client, name: str, *, abort: bool) -> None:
    """Ask the run to end; with `abort`, at once. Raises `NotFound`."""
    where, call = client.in_project("runs", name, "stop"), StopCall(abort=abort)
    persist(lambda: client.send("POST", where, json=call.model_dump()))


def wait_for_end(client: Client, name: str) -> RunView:
    """Show how the run comes to its end, and say how it ended."""
    run = watch(client, name, until=lambda run: run.status.is_final)
    ended = describe_status(run)
    say(sentence(f"The run {name} has ended: {ended}"))
    for replica in run.replicas:
        if replica.status is ReplicaPhase.FAILED and replica.message != ended:
            say(f"  replica {replica.num}: {replica.message}")
    return run
