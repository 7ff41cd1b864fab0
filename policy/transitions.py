"""How a run's memory changes with what it hears. Each function returns the new state."""

from datetime import datetime, timedelta

from perdure.errors import PerdureError
from policy.decisions import noted
from policy.desired import begun, proven, roomed, wanted
from policy.diff import changes
from policy.news import told
from policy.retry import PAUSES
from policy.rollout import applied_deployment, served
from policy.schedule import first_start
from spec.decision import Rule
from spec.pauses import Pauses
from spec.plan import Change
from spec.replica import ReplicaEvent
from spec.route import RouteTable
from spec.run import Accepted, Answer, RunState, StopState
from spec.run_spec import RunSpec
from spec.status import EndReason, ReplicaPhase

REMEMBERED_ANSWERS = 20
"""Answers kept so that an update repeated after a renewal is not applied again."""

_ORDER = {phase: place for place, phase in enumerate(ReplicaPhase)}


def new_run(
    project: str,
    name: str,
    incarnation: str,
    now: datetime,
    *,
    elastic: bool = True,
    pauses: Pauses = PAUSES,
) -> RunState:
    """A run that knows only its name."""
    route = RouteTable(project=project, run=name, incarnation=incarnation, started_at=now)
    return RunState(
        project=project,
        name=name,
        incarnation=incarnation,
        submitted_at=now,
        route=route,
        elastic=elastic,
        pauses=pauses,
    )


def answered(state: RunState, update_id: str) -> Accepted | None:
    """The answer already given to this update, also before a renewal."""
    return next((a.accepted for a in state.answers if a.update_id == update_id), None)


def applied(state: RunState, spec: RunSpec, update_id: str, now: datetime) -> RunState:
    """A new revision; slots whose replica had ended are free again.

    Sealed values stay in use as long as nothing changes that replicas are made of.
    """
    state = served(state, now)
    differences = changes(state.spec, spec) if state.spec else ()
    replaces = any(each.change is Change.BY_REPLACEMENT for each in differences)
    if state.spec is not None and not (replaces and state.elastic):
        spec = spec.model_copy(update={"sealed": state.spec.sealed})
    is_new = state.spec is None
    state = state.model_copy(
        update={
            "spec": spec,
            "revision": state.revision + 1,
            "records": tuple(r for r in state.records if not r.phase.is_final),
            "sealed": tuple(dict.fromkeys((*state.sealed, *filter(None, (spec.sealed,))))),
            "scale": begun(state, spec, now),
        }
    )
    state = state.model_copy(update={"starts_at": first_start(state, now)})
    state = state.model_copy(update=applied_deployment(state, replaces=replaces))
    if is_new or differences:
        inputs = {each.field: f"{each.change}" for each in differences}
        state = noted(state, now, Rule.APPLIED, _applied(state), inputs)
    accepted = Accepted(
        run=state.name,
        incarnation=state.incarnation,
        revision=state.revision,
        replicas=wanted(state),
        sealed=spec.sealed,
        changed=is_new or bool(differences),
    )
    answers = (*state.answers, Answer(update_id=update_id, accepted=accepted))
    return state.model_copy(update={"answers": answers[-REMEMBERED_ANSWERS:]})


def envelopes(state: RunState) -> tuple[str, ...]:
    """All that was sealed for this life of the run."""
    if state.sealed or state.spec is None or not state.spec.sealed:
        return state.sealed
    return (state.spec.sealed,)  # one that began before several could be used


def _applied(state: RunState) -> str:
    if state.deployment == state.revision:
        return f"Revision {state.revision} was applied."
    return f"Revision {state.revision} was applied, with the replicas that there are."


def stopped(
    state: RunState, now: datetime, *, abort: bool, reason: EndReason | None = None
) -> RunState:
    """Everything is to go: within the `stop_duration`, or at once. The sooner of two stops wins.

    `reason` is for a stop that nobody asked for.
    """
    grace = state.spec.configuration.stop_duration or 0 if state.spec and not abort else 0
    stop = StopState(at=now, deadline=now + timedelta(seconds=grace), abort=abort, reason=reason)
    if state.stop is not None and state.stop.deadline <= stop.deadline:
        return state
    first = state.stop is None
    state = state.model_copy(update={"stop": stop, "retrials": ()})
    if not first or reason is not None:
        return state
    word = "at once" if abort else "as soon as its requests are answered"
    return noted(state, now, Rule.STOPPED, f"It stops, {word}: somebody stopped it.")


def lost(state: RunState, replica: str, why: PerdureError, now: datetime) -> RunState:
    """A replica that cannot be started or told has no workflow: it will say nothing more."""
    event = ReplicaEvent(
        incarnation=state.incarnation,
        replica=replica,
        phase=ReplicaPhase.FAILED,
        reason=EndReason.ERROR,
        code=why.code(),
        detail=why.message,
        hint=why.hint,
    )
    return observed(state, event, now)


def observed(state: RunState, event: ReplicaEvent, now: datetime) -> RunState:
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
            "ready_at": record.ready_at or (now if event.ready and state.elastic else None),
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
    state = told(state, record, event, now)
    changed: dict[str, object] = {"records": kept}
    if state.elastic and event.ready and state.ready_at is None:
        changed["ready_at"] = now
    state = state.model_copy(update=changed)
    if event.ready:
        state = proven(state)
    if state.elastic and event.placement is not None:
        state = roomed(state, exclusive=event.placement.exclusive)
    if event.reason is EndReason.UTILIZATION and state.stop is None:
        state = stopped(state, now, abort=False, reason=EndReason.UTILIZATION)
        state = noted(state, now, Rule.STOPPED, f"It stops: {event.detail}")
    return state
