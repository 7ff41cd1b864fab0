"""Bring what is to what is wanted."""

from datetime import datetime, timedelta

from policy.desired import expired, is_blocked, slept, wanted
from policy.failures import is_retrying, judged, with_needed_retrials
from policy.limits import limited, next_limit
from policy.rollout import is_current, is_exclusive, is_living, served, waits_for_room
from policy.schedule import rested_when_over, started
from policy.views import route_table
from spec.names import replica_id
from spec.public import Model
from spec.replica import LeaveOrder, ReplicaRecord
from spec.run import RunState
from spec.status import EndReason, ReplicaPhase, RunPhase

SURGE = 1
"""Replicas more than wanted while a deployment follows another."""


STARTS = 8
"""Replicas started in one step, at most: each start carries the whole configuration, and Temporal
takes 4 MB of them at once."""


class StartReplica(Model):
    """Start the workflow of this new record; its generation makes the id unique."""

    record: ReplicaRecord


class ReleaseReplica(Model):
    """Tell this replica to leave, or to leave sooner."""

    replica: str
    order: LeaveOrder


Action = StartReplica | ReleaseReplica


class Step(Model):
    """The state to be in, what to do to get there, and, when all is over, how it ended.

    `due` is when there is something to decide although nothing has happened. One that is
    `unfinished` leaves something to do at once, in a step of its own.
    """

    state: RunState
    actions: tuple[Action, ...] = ()
    ended: RunPhase | None = None
    due: datetime | None = None
    unfinished: bool = False


def reconcile(state: RunState, now: datetime) -> Step:
    """Start what is missing, release what is too much, and see whether the run is over.

    The returned state already holds the marks of the actions, so a second call decides nothing,
    unless the step is unfinished.
    """
    state = judged(expired(limited(started(state, now), now), now), now)
    state = slept(served(rested_when_over(state, now), now))
    surplus = {record.id for record in _surplus(state)}
    short = _missing(state, surplus, now)
    missing = short[:STARTS] if state.elastic else short
    kept = tuple(r for r in state.records if not _is_forgotten(state, r, missing, now))
    orders = {record.id: _leave_order(state, record, now) for record in kept}
    marked = tuple(_leaving(r, orders[r.id]) if r.id in surplus else r for r in kept)
    state = state.model_copy(
        update={"records": marked + missing, "generation": state.generation + len(missing)}
    )
    state = with_needed_retrials(state)
    state = state.model_copy(update={"route": route_table(state, now)})
    version = {"route_version": state.route.version}
    releases = tuple(
        ReleaseReplica(replica=r.id, order=orders[r.id].model_copy(update=version))
        for r in marked
        if r.id in surplus
    )
    starts = tuple(StartReplica(record=record) for record in missing)
    return Step(
        state=state,
        actions=starts + releases,
        ended=_ended(state),
        due=_next_due(state, now),
        unfinished=len(missing) < len(short),
    )


def _surplus(state: RunState) -> list[ReplicaRecord]:
    """Those that are too much, and those that leave and now have less time."""
    stop = state.stop
    leaving = [record for record in state.records if record.leave_by and not record.phase.is_final]
    hurried = [r for r in leaving if stop and r.leave_by and r.leave_by > stop.deadline]
    return [*_too_many(state), *hurried]


def _too_many(state: RunState) -> list[ReplicaRecord]:
    """Of older deployments what is not needed until the new one is ready; then by number.

    Taken away first: what is not ready, then the fewest in flight, then the highest slot.
    """
    living = [record for record in state.records if is_living(record)]
    new = [record for record in living if is_current(state, record)]
    old = [record for record in living if not is_current(state, record)]
    count = wanted(state)
    ready_new = sum(record.ready for record in new) + _done(state)
    busy = state.scale.in_flight if state.scale else {}
    new.sort(key=lambda r: (r.ready, busy.get(r.id, 0), -r.num))
    old.sort(key=lambda r: (r.ready, busy.get(r.id, 0), -r.num))
    if is_exclusive(old):
        return old + new[: max(0, len(new) - count)]
    needed = min(sum(record.ready for record in old), max(0, count - ready_new))
    return old[: len(old) - needed] + new[: max(0, len(new) - count)]


def _missing(state: RunState, surplus: set[str], now: datetime) -> tuple[ReplicaRecord, ...]:
    """New records for empty slots: without a replica, or with one that leaves.

    A slot whose replica failed waits for its next try, or for the next apply. Those whose try is
    due come first, and are tried although nothing may be added.
    """
    leaves = {r.id for r in state.records if r.leave_by} | surplus
    staying = [record for record in state.records if record.id not in leaves]
    held = [record for record in staying if _holds_its_slot(state, record, now)]
    current = [record for record in held if is_current(state, record)]
    older = [record for record in held if not is_current(state, record)]
    short = wanted(state) - len(current)
    if older:
        short = min(short, wanted(state) + SURGE - len(held))
    tried = [record.num for record in staying if _is_tried(state, record, now)]
    if is_blocked(state, now):
        short = min(short, len(tried))
    if not _is_placed(state):
        short = min(short, _begins_with(state) - len(held))
    if waits_for_room(state, leaves):
        short = 0
    taken = {*tried, *(record.num for record in held)}
    empty = [num for num in range(max(0, short) + len(taken)) if num not in taken]
    free = [*tried, *empty]
    life = (state.project, state.name, state.incarnation)
    deployment = state.deployment if state.elastic else state.revision
    return tuple(
        ReplicaRecord(
            id=replica_id(*life, num, generation),
            num=num,
            deployment=deployment,
            started_at=now if state.elastic else None,
        )
        for generation, num in enumerate(free[: max(0, short)], state.generation + 1)
    )


def _is_placed(state: RunState) -> bool:
    """Whether a replica has told its place: until then nobody knows whether two have room."""
    return state.ready_at is not None or any(r.placement is not None for r in state.records)


def _begins_with(state: RunState) -> int:
    """How many are started at first: of a range as many as its plan was made for."""
    assert state.spec is not None
    return state.spec.replicas if state.scale else wanted(state)


def _holds_its_slot(state: RunState, record: ReplicaRecord, now: datetime) -> bool:
    """In a range no slot is held by what has ended: whether another is added is for its rules."""
    if not record.phase.is_final:
        return True
    if record.phase is ReplicaPhase.FAILED:
        retrial = next((each for each in state.retrials if each.num == record.num), None)
        if retrial is not None:
            return retrial.at > now
    return state.scale is None


def _is_tried(state: RunState, record: ReplicaRecord, now: datetime) -> bool:
    """Whether it failed, and its next try is due."""
    failed = record.phase is ReplicaPhase.FAILED
    return failed and any(r.num == record.num and r.at <= now for r in state.retrials)


def _is_forgotten(
    state: RunState, record: ReplicaRecord, missing: tuple[ReplicaRecord, ...], now: datetime
) -> bool:
    """A failed replica is told of until the next one of its slot begins, or none is wanted."""
    if not record.phase.is_final:
        return False
    if any(each.num == record.num for each in missing):
        return record.phase is ReplicaPhase.FAILED or state.scale is not None
    staying = [r for r in state.records if not r.leave_by and is_current(state, r)]
    held = [r for r in staying if _holds_its_slot(state, r, now)]
    enough = len(held) + len(missing) >= wanted(state)
    return enough and _is_tried(state, record, now)


def _leaving(record: ReplicaRecord, order: LeaveOrder) -> ReplicaRecord:
    """Out of the routes for new requests; one that is already being stopped stays so."""
    is_stopping = record.phase is ReplicaPhase.TERMINATING
    phase = record.phase if is_stopping else ReplicaPhase.DRAINING
    return record.model_copy(update={"phase": phase, "ready": False, "leave_by": order.deadline})


def _leave_order(state: RunState, record: ReplicaRecord, now: datetime) -> LeaveOrder:
    if state.stop is not None:
        reason, deadline = state.stop.ended_by, state.stop.deadline
    else:
        reason = EndReason.SCALED_DOWN if is_current(state, record) else EndReason.REPLACED
        reason = EndReason.MAX_DURATION if state.starts_at else reason
        grace = state.spec.configuration.stop_duration if state.spec else None
        deadline = now + timedelta(seconds=grace or 0)
    return LeaveOrder(route_version=state.route.version, deadline=deadline, reason=reason)


def _done(state: RunState) -> int:
    """Slots whose replica exited without an error: of a fixed number, they want no other one."""
    if state.scale is not None:
        return 0
    return sum(r.phase is ReplicaPhase.DONE and is_current(state, r) for r in state.records)


def _ended(state: RunState) -> RunPhase | None:
    if any(not record.phase.is_final for record in state.records):
        return None
    if state.stop is not None:
        return RunPhase.TERMINATED
    if not state.records or is_retrying(state):
        return None
    if state.elastic and (wanted(state) == 0 or _may_sleep(state)):
        return None
    failed = any(record.phase is ReplicaPhase.FAILED for record in state.records)
    return RunPhase.FAILED if failed else RunPhase.DONE


def _may_sleep(state: RunState) -> bool:
    return state.scale is not None and bool(
        state.spec and state.spec.configuration.replicas.min == 0
    )


def _next_due(state: RunState, now: datetime) -> datetime | None:
    moments = (
        *(retrial.at for retrial in state.retrials),
        state.override.until if state.override else None,
        state.scale.blocked_until if state.scale else None,
        next_limit(state),
        state.starts_at,
    )
    later = [moment for moment in moments if moment is not None and moment > now]
    return min(later, default=None) if state.elastic else None
