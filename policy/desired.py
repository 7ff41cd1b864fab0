"""How many replicas a run wants: by its configuration, its load, or somebody's word."""

from datetime import datetime, timedelta

from policy.decisions import noted
from policy.load import awake
from spec.decision import Rejected, Rule
from spec.run import RunState
from spec.run_spec import RunSpec
from spec.scale import Override, ScaleRequest, ScaleState, ScalingRule, WatchOrder, WatchReport
from spec.scaling import ReplicaRange
from spec.units import format_duration


def wanted(state: RunState) -> int:
    """The number of replicas; none for a run that stops, or was never applied."""
    if state.spec is None or state.stop is not None or state.starts_at is not None:
        return 0
    follows = state.scale.desired if state.scale else state.spec.replicas
    count = state.override.replicas if state.override else follows
    return min(count, 1) if state.exclusive else count


def is_blocked(state: RunState, now: datetime) -> bool:
    """Whether none may be added now, as the last one that was failed."""
    until = state.scale.blocked_until if state.scale else None
    return until is not None and until > now


def roomed(state: RunState, *, exclusive: bool) -> RunState:
    """Whether there is room for one replica only: that is another question for the watch."""
    if exclusive is state.exclusive:
        return state
    scale = state.scale and state.scale.model_copy(update={"watch": state.scale.watch + 1})
    return state.model_copy(update={"exclusive": exclusive, "scale": scale})


def begun(state: RunState, spec: RunSpec, now: datetime) -> ScaleState | None:
    """The scaling of a run from the moment in which it is applied; what its load was, it keeps.

    What a fixed number was counts as needed: the load has to show that fewer are enough.
    """
    asked = spec.scaling
    if not state.elastic or asked is None:
        return None
    if state.scale is None:
        before = state.spec.replicas if state.spec else 0
        desired = asked.replicas.clip(max(before, spec.replicas))
        unproven = not any(record.ready for record in state.records)
        return ScaleState(desired=desired, changed_at=now, watch=1, unproven=unproven)
    desired = asked.replicas.clip(state.scale.desired)
    return state.scale.model_copy(
        update={"desired": desired, "watch": state.scale.watch + 1, "blocked_until": None}
    )


def watch_order(state: RunState) -> WatchOrder | None:
    """What to watch for now; None when nothing follows the load."""
    scale, spec = state.scale, state.spec
    if scale is None or spec is None or spec.scaling is None:
        return None
    if state.stop or state.override or state.starts_at:
        return None
    asked = spec.scaling
    if state.exclusive:
        room = ReplicaRange(min=min(asked.replicas.min, 1), max=1)
        asked = asked.model_copy(update={"replicas": room})
    return WatchOrder(
        project=state.project,
        run=state.name,
        incarnation=state.incarnation,
        number=scale.watch,
        asked=asked,
        current=scale.desired,
        changed_at=scale.changed_at,
        memory=scale.memory,
        unproven=scale.unproven,
    )


def slept(state: RunState) -> RunState:
    """What wants no replica has to show anew that it can serve, once it wants one."""
    scale = state.scale
    if scale is None or scale.unproven or state.stop is not None or wanted(state):
        return state
    return state.model_copy(update={"scale": scale.model_copy(update={"unproven": True})})


def proven(state: RunState) -> RunState:
    """A replica is ready: from now on none may be enough, and the watch looks for that, too."""
    scale = state.scale
    if scale is None or not scale.unproven:
        return state
    changes = {"unproven": False, "watch": scale.watch + 1}
    return state.model_copy(update={"scale": scale.model_copy(update=changes)})


def watched(state: RunState, report: WatchReport, now: datetime) -> RunState:
    """The load asks for another number; reports of watches from before count no more.

    While somebody's word counts, the load does not.
    """
    scale = state.scale
    if scale is None or report.number != scale.watch or state.stop is not None:
        return state
    if state.override is not None:
        return state
    verdict = report.verdict
    falls = verdict.desired < scale.desired
    if verdict.desired == 0 < scale.desired and scale.unproven:
        # Nobody has seen it work yet: the time that counts begins anew.
        return _rescaled(state, scale.desired, scale.changed_at, memory=None)
    in_flight = report.in_flight if falls else {}
    state = _rescaled(state, verdict.desired, now, memory=report.memory, in_flight=in_flight)
    if verdict.desired == scale.desired:
        return state
    inputs = {
        "requests_per_second": f"{verdict.rps:.2f}",
        "busy_requests": verdict.busy,
        "needed_now": verdict.need,
        "highest_need_of_the_delay": verdict.highest if falls else None,
    }
    outcome = f"From {scale.desired} to {_replicas(verdict.desired)}: {verdict.rule}."
    return noted(state, now, Rule.SCALED, outcome, inputs)


def woken(state: RunState, incarnation: str, now: datetime) -> RunState:
    """A request waits for the first replica. The next watch may find that more are needed.

    Nothing arrived while the run slept, so what has arrived now is to count from now on.
    """
    scale = state.scale
    asleep = scale is not None and scale.desired == 0 and state.override is None
    if not asleep or state.starts_at or incarnation != state.incarnation or state.stop is not None:
        return state
    if is_blocked(state, now):
        return state
    assert scale is not None
    memory = scale.memory and awake(scale.memory, now)
    # Not a change that another has to wait for: how many are needed, the next watch finds.
    state = _rescaled(state, 1, None, memory=memory)
    return noted(state, now, Rule.WOKEN, f"It wakes: {ScalingRule.FROM_ZERO}.")


def overridden(state: RunState, request: ScaleRequest, now: datetime) -> RunState:
    """Somebody sets the number, or takes that back; slots that had ended are free again."""
    state = _freed(state)
    if request.replicas is None:
        return _released(state, now, "somebody took it back")
    until = None if request.seconds is None else now + timedelta(seconds=request.seconds)
    before = wanted(state)
    override = Override(replicas=request.replicas, until=until)
    state = _unblocked(state.model_copy(update={"override": override}))
    term = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "until that is taken back"
    outcome = f"From {before} to {_replicas(request.replicas)}: somebody set the number, {term}."
    return noted(state, now, Rule.OVERRIDDEN, outcome)


def expired(state: RunState, now: datetime) -> RunState:
    """An override that has run out is none."""
    until = state.override.until if state.override else None
    if until is None or until > now:
        return state
    return _released(state, now, "its time is over")


def unfilled(state: RunState, living: int, now: datetime) -> RunState:
    """A replica of a range ended for good: what is there is enough, for a while.

    A run that may have none sleeps, unless something of it is left.
    """
    scale = state.scale
    assert scale is not None
    assert state.spec is not None
    pause = state.pauses.unfilled
    may_sleep = state.spec.configuration.replicas.min == 0 and state.override is None
    blocked = scale.model_copy(update={"blocked_until": now + timedelta(seconds=pause)})
    state = state.model_copy(update={"scale": blocked})
    if living == 0 and may_sleep:
        state = _rescaled(state, 0, now)
    why = f"the last one ended: none is added for {format_duration(pause)}"
    waits = Rejected(option="another one at once", why=why)
    outcome = f"{_replicas(living)} have to do for now."
    return noted(state, now, Rule.SCALED, outcome, rejected=(waits,))


def _rescaled(
    state: RunState, desired: int, changed_at: datetime | None, **also: object
) -> RunState:
    """Another number is another question for the watch; `also` changes with it."""
    scale = state.scale
    assert scale is not None
    changes = {"desired": desired, "changed_at": changed_at, "watch": scale.watch + 1, **also}
    return state.model_copy(update={"scale": scale.model_copy(update=changes)})


def _freed(state: RunState) -> RunState:
    left = tuple(record for record in state.records if not record.phase.is_final)
    return state.model_copy(update={"records": left, "retrials": ()})


def _unblocked(state: RunState) -> RunState:
    if state.scale is None:
        return state
    return state.model_copy(
        update={"scale": state.scale.model_copy(update={"blocked_until": None})}
    )


def _released(state: RunState, now: datetime, why: str) -> RunState:
    if state.override is None:
        return state
    before = state.override.replicas
    state = state.model_copy(update={"override": None})
    if state.scale is not None and state.spec is not None and state.spec.scaling is not None:
        # What was set by hand counts as needed: the load has to show that fewer are enough.
        desired = state.spec.scaling.replicas.clip(before)
        state = _rescaled(state, desired, now, memory=None)
    outcome = f"From {before} to {_replicas(wanted(state))}: the number set by hand counts no more."
    return noted(state, now, Rule.OVERRIDDEN, outcome, {"why": why})


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"
