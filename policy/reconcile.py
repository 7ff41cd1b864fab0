"""Bring what is to what is wanted."""

from datetime import datetime, timedelta

from policy.views import route_table
from spec.names import replica_id
from spec.public import Model
from spec.run import LeaveOrder, ReplicaRecord, RunState
from spec.status import EndReason, ReplicaPhase, RunPhase


class StartReplica(Model):
    """Start the workflow of this new record; its generation makes the id unique."""

    record: ReplicaRecord


class ReleaseReplica(Model):
    """Tell this replica to leave, or to leave sooner."""

    replica: str
    order: LeaveOrder


Action = StartReplica | ReleaseReplica


class Decision(Model):
    """The state to be in, what to do to get there, and, when all is over, how it ended."""

    state: RunState
    actions: tuple[Action, ...] = ()
    ended: RunPhase | None = None


def reconcile(state: RunState, now: datetime) -> Decision:
    """Start what is missing, release what is too much, and see whether the run is over.

    The returned state already holds the marks of the actions, so a second call decides nothing.
    """
    wanted = state.spec.replicas if state.spec and state.stop is None else 0
    surplus = {record.id for record in _surplus(state, wanted)}
    missing = _missing(state, wanted)
    leave = _leave_order(state, now)
    marked = tuple(_leaving(r, leave) if r.id in surplus else r for r in state.records)
    state = state.model_copy(
        update={"records": marked + missing, "generation": state.generation + len(missing)}
    )
    state = state.model_copy(update={"route": route_table(state)})
    leave = leave.model_copy(update={"route_version": state.route.version})
    starts = tuple(StartReplica(record=record) for record in missing)
    releases = tuple(ReleaseReplica(replica=r.id, order=leave) for r in marked if r.id in surplus)
    return Decision(state=state, actions=starts + releases, ended=_ended(state))


def _surplus(state: RunState, wanted: int) -> list[ReplicaRecord]:
    """Taken away first: not yet ready, then the highest slot; and those that now have less time."""
    living = [record for record in state.records if _is_living(record)]
    living.sort(key=lambda record: (not record.ready, record.num), reverse=True)
    stop = state.stop
    leaving = [record for record in state.records if record.leave_by and not record.phase.is_final]
    hurried = [r for r in leaving if stop and r.leave_by and r.leave_by > stop.deadline]
    return living[: max(0, len(living) - wanted)] + hurried


def _missing(state: RunState, wanted: int) -> tuple[ReplicaRecord, ...]:
    """New records for empty slots: without a replica, or with one that was told to leave.

    A slot whose replica failed waits for the next apply.
    """
    taken = {record.num for record in state.records if record.leave_by is None}
    free = [num for num in range(wanted + len(taken)) if num not in taken]
    short = max(0, wanted - len(taken))
    life = (state.project, state.name, state.incarnation)
    return tuple(
        ReplicaRecord(id=replica_id(*life, num, generation), num=num, deployment=state.revision)
        for generation, num in enumerate(free[:short], state.generation + 1)
    )


def _leaving(record: ReplicaRecord, order: LeaveOrder) -> ReplicaRecord:
    """Out of the routes for new requests; one that is already being stopped stays so."""
    is_stopping = record.phase is ReplicaPhase.TERMINATING
    phase = record.phase if is_stopping else ReplicaPhase.DRAINING
    return record.model_copy(update={"phase": phase, "ready": False, "leave_by": order.deadline})


def _leave_order(state: RunState, now: datetime) -> LeaveOrder:
    if state.stop is not None:
        reason = EndReason.ABORTED_BY_USER if state.stop.abort else EndReason.STOPPED_BY_USER
        deadline = state.stop.deadline
    else:
        reason = EndReason.SCALED_DOWN
        grace = state.spec.configuration.stop_duration if state.spec else None
        deadline = now + timedelta(seconds=grace or 0)
    return LeaveOrder(route_version=state.route.version, deadline=deadline, reason=reason)


def _is_living(record: ReplicaRecord) -> bool:
    return record.phase.is_starting or record.phase is ReplicaPhase.RUNNING


def _ended(state: RunState) -> RunPhase | None:
    if any(not record.phase.is_final for record in state.records):
        return None
    if state.stop is not None:
        return RunPhase.TERMINATED
    if not state.records:
        return None  # zero replicas were asked for
    failed = any(record.phase is ReplicaPhase.FAILED for record in state.records)
    return RunPhase.FAILED if failed else RunPhase.DONE
