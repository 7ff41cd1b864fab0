"""Staying with an update of a living run: until it is done, or was undone."""

from collections.abc import Iterable
from enum import Enum, auto

from cli.attachment import publish
from cli.client import Client
from cli.failure import failure_of, undone
from cli.outcome import Outcome
from cli.progress import watch
from cli.report import report
from cli.run_table import describe_status, mark
from cli.stopping import tell_end
from cli.terminal import say
from perdure.errors import HostError, PerdureError, kind_of, sentence
from spec.run import Accepted
from spec.status import ReplicaPhase, RunPhase
from spec.submission import Applied, ReplicaView, RunView


class Course(Enum):
    """Where an update is."""

    UNDER_WAY = auto()
    DONE = auto()
    SHORT = auto()
    """It serves, with fewer replicas than wanted, and no more are coming."""
    LATER = auto()
    """There are no replicas now: those that come will be new."""
    UNDONE = auto()
    TAKEN_OVER = auto()
    """Something else was applied meanwhile."""
    ENDED = auto()
    """That life of the run is over."""


def stay_updated(client: Client, applied: Applied) -> int:
    """Show how the update gets on, and how it ends; return the exit code."""
    accepted = applied.accepted
    try:
        run = watch(
            client,
            applied.name,
            until=lambda run: course(run, accepted) is not Course.UNDER_WAY,
            summary=lambda run: summary(run, accepted),
        )
    except KeyboardInterrupt:
        name = applied.name
        say(f"The update of the run {name} goes on. `perdure rollback {name}` takes it back.")
        return Outcome.INTERRUPTED
    found = course(run, accepted)
    if found in (Course.DONE, Course.LATER):
        say(_told(run, accepted, found))
        publish(applied, yet=found is Course.DONE)
        return Outcome.OK
    return _failed(run, accepted, found)


def course(run: RunView, accepted: Accepted) -> Course:
    """Where the update is that was accepted so, by what the run tells now.

    A run that undoes an update becomes the next revision by itself, and remembers why until
    something is applied.
    """
    if run.incarnation != accepted.incarnation or run.status.is_final:
        return Course.ENDED
    if run.revision > accepted.revision:
        is_undone = run.reverted is not None and run.revision == accepted.revision + 1
        return Course.UNDONE if is_undone else Course.TAKEN_OVER
    is_before = run.revision < accepted.revision
    if is_before or run.updating or run.status is RunPhase.TERMINATING:
        return Course.UNDER_WAY
    if run.desired == 0:
        return Course.LATER
    ready = len(_ready(_current(run)))
    if ready >= run.desired:
        return Course.DONE
    return Course.SHORT if ready and not _is_more_coming(run) else Course.UNDER_WAY


def summary(run: RunView, accepted: Accepted) -> Iterable[str]:
    """How far it is, in a line; below it the replicas where there are several."""
    yield f"{run.name}  {_progress(run, accepted)}"
    if len(run.replicas) > 1:
        for replica in run.replicas:
            text = replica.message or replica.status.value
            of = f"revision {replica.deployment}"
            yield f"  replica={replica.num}  {mark(replica)} {text} ({of})"


def _progress(run: RunView, accepted: Accepted) -> str:
    is_new = run.updating or run.deployment == accepted.revision
    if run.revision < accepted.revision or run.status is RunPhase.TERMINATING or not is_new:
        return describe_status(run)
    current = _current(run)
    older = [each for each in run.replicas if each not in current and not each.status.is_final]
    serving, leaving = len(_ready(older)), len(older) - len(_ready(older))
    words = [f"{len(_ready(current))}/{run.desired} of the new version ready"]
    words += [f"{serving} of the old one {_form(serving, 'serves', 'serve')}"] if serving else []
    words += [f"{leaving} of the old one {_form(leaving, 'leaves', 'leave')}"] if leaving else []
    return ", ".join(words + (["retrying"] if run.retrying else []))


def _told(run: RunView, accepted: Accepted, found: Course) -> str:
    name, revision = run.name, accepted.revision
    if run.deployment != revision:
        told = f"The run {name} is updated."
        return told if found is Course.DONE else f"{told} It has no replicas now."
    if found is Course.DONE:
        noun = _form(run.desired, "replica", "replicas")
        return f"The run {name} is updated: revision {revision} serves, {run.desired} {noun}."
    if run.asleep:
        return f"The run {name} sleeps: its new version starts with the next request."
    return f"No replicas of the run {name} are wanted now: those to come are of its new version."


def _failed(run: RunView, accepted: Accepted, found: Course) -> int:
    """Say why; the exit code. That an update was undone is a failure whatever it was undone by."""
    name, revision = run.name, accepted.revision
    if found is Course.UNDONE:
        report(undone(run))
    elif found is Course.SHORT:
        report(_short(run))
    elif found is Course.TAKEN_OVER:
        taking = f"Revision {run.revision} of the run {name} was applied meanwhile"
        say(f"{taking}, and takes the place of revision {revision}.")
    elif run.incarnation != accepted.incarnation:
        say(f"The run {name} has ended, and another of its name has begun.")
    elif run.status is RunPhase.FAILED:
        return report(failure_of(run))
    else:
        tell_end(run)
    return Outcome.FAILED


def _short(run: RunView) -> PerdureError:
    failed = [each for each in run.replicas if each.status is ReplicaPhase.FAILED][-1]
    ready = len(_ready(_current(run)))
    told = f"The run `{run.name}` is updated, with {ready} of {run.desired} replicas"
    kind = kind_of(failed.code) or HostError
    return kind(sentence(f"{told}: {failed.message}"), hint=failed.hint)


def _is_more_coming(run: RunView) -> bool:
    current = _current(run)
    failed = any(each.status is ReplicaPhase.FAILED for each in current)
    if not failed or run.retrying:
        return True
    return any(
        each.status.is_starting or (each.status is ReplicaPhase.RUNNING and not each.ready)
        for each in current
    )


def _current(run: RunView) -> list[ReplicaView]:
    """The replicas of the version that is wanted."""
    return [each for each in run.replicas if run.deployment in (0, each.deployment)]


def _ready(replicas: Iterable[ReplicaView]) -> list[ReplicaView]:
    return [replica for replica in replicas if replica.ready]


def _form(count: int, one: str, several: str) -> str:
    return one if count == 1 else several
