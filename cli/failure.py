"""What has failed: a run as an error, and what its replicas wrote at last."""

from collections.abc import Iterator, Sequence

from cli.client import Client
from cli.run_table import describe_status
from perdure.errors import HostError, NotFound, PerdureError, kind_of, sentence
from spec.run_status import RevertedStatus
from spec.status import ReplicaPhase
from spec.submission import LogLine, ReplicaView, RunView

LAST_WORDS = 5
"""Lines of a log that are shown of a replica that failed."""
WIDEST_WORDS = 500
"""Characters of such a line: one may have a million."""
MOST_TOLD = 10
"""Replicas whose last words are shown at once: each takes a request. The latest runs come first."""


def failure_of(run: RunView) -> PerdureError:
    """The error that a failed run ended with: that of the replica by which it failed."""
    failed = run.failed_by
    told = sentence(f"The run `{run.name}` has failed: {describe_status(run)}")
    kind = kind_of(failed.code) if failed else None
    lines = "\n".join((told, *other_failures(run)))
    return (kind or HostError)(lines, hint=failed.hint if failed else "")


def other_failures(run: RunView) -> Iterator[str]:
    """A line for each replica that failed otherwise than the one by which the run did."""
    failed = run.failed_by
    for replica in _failed(run):
        if failed is None or replica.message != failed.message:
            yield f"  replica {replica.num}: {replica.message}"


def undone(run: RunView) -> PerdureError:
    """The error that the last update of a run was undone by, of one of which it was."""
    reverted = run.reverted
    assert reverted is not None
    told = f"The update of `{run.name}` to revision {reverted.revision} was undone"
    serves = any(each.ready and each.deployment == run.deployment for each in run.replicas)
    old = (
        f"Revision {run.deployment}, the one before, {'serves' if serves else 'is started again'}."
    )
    kind = kind_of(reverted.code) or HostError
    return kind(f"{sentence(f'{told}: {reverted.message}')}\n{old}", hint=reverted.hint)


def last_words(client: Client, runs: Sequence[RunView]) -> Iterator[str]:
    """Of each replica that failed: the code, the last lines of its log, and what to do.

    Before them, of each update that was undone, why. The lines come from the store: what an
    application writes never reaches Temporal, where a run's status is public.
    """
    for run in runs:
        if run.reverted is not None:
            yield from _undone(run, run.reverted)
    failed = [(run, replica) for run in runs for replica in _failed(run)]
    for run, replica in failed[:MOST_TOLD]:
        code = f" [{replica.code}]" if replica.code else ""
        yield f"{run.name}, replica {replica.num}:{code}"
        for line in _last_lines(client, run.name, replica.num):
            yield f"  | {line.text[:WIDEST_WORDS]}"
        if replica.hint:
            yield f"  hint: {replica.hint}"


def _undone(run: RunView, reverted: RevertedStatus) -> Iterator[str]:
    code = f" [{reverted.code}]" if reverted.code else ""
    told = f"the update to revision {reverted.revision} was undone: {reverted.message}"
    yield f"{run.name}: {sentence(told)}{code}"
    if reverted.hint:
        yield f"  hint: {reverted.hint}"


def _failed(run: RunView) -> list[ReplicaView]:
    return [replica for replica in run.replicas if replica.status is ReplicaPhase.FAILED]


def _last_lines(client: Client, name: str, replica: int) -> list[LogLine]:
    where = client.in_project("runs", name, "logs")
    try:
        return client.get(list[LogLine], where, replica=replica, tail=LAST_WORDS)
    except NotFound:  # forgotten between the two questions
        return []
