"""How a run's memory changes with what it hears. Each function returns the new state."""

from datetime import datetime, timedelta

from policy.diff import changes
from spec.route import RouteTable
from spec.run import Accepted, Answer, ReplicaEvent, RunSpec, RunState, StopState
from spec.status import ReplicaPhase

REMEMBERED_ANSWERS = 20
"""Answers kept so that an update repeated after a renewal is not applied again."""

_ORDER = {phase: place for place, phase in enumerate(ReplicaPhase)}


def new_run(project: str, name: str, incarnation: str, now: datetime) -> RunState:
    """A run that knows only its name."""
    route = RouteTable(project=project, run=name, incarnation=incarnation, started_at=now)
    return RunState(
        project=project, name=name, incarnation=incarnation, submitted_at=now, route=route
    )


def answered(state: RunState, update_id: str) -> Accepted | None:
    """The answer already given to this update, also before a renewal."""
    return next((a.accepted for a in state.answers if a.update_id == update_id), None)


def applied(state: RunState, spec: RunSpec, update_id: str) -> RunState:
    """A new revision; slots whose replica had ended are free again.

    The values sealed for the first revision stay in use: nothing that they depend on can change
    on a living run.
    """
    revision = state.revision + 1
    changed = state.spec is None or bool(changes(state.spec, spec))
    if state.spec is not None:
        spec = spec.model_copy(update={"sealed": state.spec.sealed})
    accepted = Accepted(
        run=state.name,
        incarnation=state.incarnation,
        revision=revision,
        replicas=spec.replicas,
        sealed=spec.sealed,
        changed=changed,
    )
    answers = (*state.answers, Answer(update_id=update_id, accepted=accepted))
    return state.model_copy(
        update={
            "spec": spec,
            "revision": revision,
            "records": tuple(r for r in state.records if not r.phase.is_final),
            "answers": answers[-REMEMBERED_ANSWERS:],
        }
    )


def stopped(state: RunState, now: datetime, *, abort: bool) -> RunState:
    """Everything is to go: within the `stop_duration`, or at once. The sooner of two stops wins."""
    grace = state.spec.configuration.stop_duration or 0 if state.spec and not abort else 0
    stop = StopState(at=now, deadline=now + timedelta(seconds=grace), abort=abort)
    if state.stop is not None and state.stop.deadline <= stop.deadline:
        return state
    return state.model_copy(update={"stop": stop})


def observed(state: RunState, event: ReplicaEvent) -> RunState:
    """A replica's news; those of strangers, of past lives and out of order change nothing."""
    known = {record.id: record for record in state.records}
    record = known.get(event.replica)
    if event.incarnation != state.incarnation or record is None:
        return state
    if _ORDER[event.phase] < _ORDER[record.phase] or record.phase.is_final:
        return state
    known[record.id] = record.model_copy(
        update={
            "phase": event.phase,
            "ready": event.ready,
            "address": event.address or record.address,
            "placement": event.placement or record.placement,
            "reason": event.reason,
            "exit_code": event.exit_code,
            "code": event.code,
            "detail": event.detail,
            "hint": event.hint,
            "health": event.health,
        }
    )
    leftovers = (ReplicaPhase.TERMINATED, ReplicaPhase.ABORTED)
    kept = tuple(r for r in known.values() if r.phase not in leftovers or state.stop is not None)
    return state.model_copy(update={"records": kept})
