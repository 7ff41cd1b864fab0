"""What has failed: a run as an error, and what its replicas wrote at last."""

from collections.abc import Iterator, Sequence

from cli.client import Client
from cli.run_table import describe_status
from perdure.errors import HostError, NotFound, PerdureError, kind_of, sentence
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


def last_words(client: Client, runs: Sequence[RunView]) -> Iterator[str]:
    """Of each replica that failed: the code, the last lines of its log, and what to do.

    The lines come from the store: what an application writes never reaches Temporal, where a run's
    status is public.
    """
    failed = [(run, replica) for run in runs for replica in _failed(run)]
    for run, replica in failed[:MOST_TOLD]:
        code = f" [{replica.code}]" if replica.code else ""
        yield f"{run.name}, replica {replica.num}:{code}"
        for line in _last_lines(client, run.name, replica.num):
            yield f"  | {line.text[:WIDEST_WORDS]}"
        if replica.hint:
            yield f"  hint: {replica.hint}"


def _failed(run: RunView) -> list[ReplicaView]:
    return [replica for replica in run.replicas if replica.status is ReplicaPhase.FAILED]


def _last_lines(client: Client, name: str, replica: int) -> list[LogLine]:
    where = client.in_project("runs", name, "logs")
    try:
        return client.get(list[LogLine], where, replica=replica, tail=LAST_WORDS)
    except NotFound:  # forgotten between the two questions
        return []
