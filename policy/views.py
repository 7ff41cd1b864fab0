"""What others may read of a run: proxies its routes, people its status."""

from datetime import datetime

from policy.desired import is_blocked, wanted
from policy.failures import comes_again, is_retrying
from policy.rollout import is_updating, waits_for_room
from spec.model_endpoint import OpenAIModel
from spec.replica import ReplicaRecord, ReplicaStatus
from spec.route import ModelRoute, ReplicaRoute, RouteState, RouteTable
from spec.run import RunState
from spec.run_status import RevertedStatus, RunStatus
from spec.status import EndReason, Health, ReplicaPhase, RunPhase

_FURTHEST = (
    (ReplicaPhase.RUNNING, RunPhase.RUNNING),
    (ReplicaPhase.DRAINING, RunPhase.RUNNING),
    (ReplicaPhase.PULLING, RunPhase.PULLING),
    (ReplicaPhase.PROVISIONING, RunPhase.PROVISIONING),
    (ReplicaPhase.TERMINATING, RunPhase.TERMINATING),
)
"""What a run with such a replica is, the furthest first."""

_SHOWN = {
    EndReason.ERROR: "error",
    EndReason.STOPPED_BY_USER: "stopped",
    EndReason.ABORTED_BY_USER: "aborted",
}


def route_table(state: RunState, now: datetime) -> RouteTable:
    """The table that is true now: the same one when nothing changed, else the next version."""
    table = state.route.model_copy(
        update={
            "starting": _is_starting(state, now),
            "asleep": is_asleep(state) and not is_blocked(state, now),
            "cold_start": _cold_start(state) or state.route.cold_start,
            "replicas": tuple(_route(record) for record in state.records if _is_routed(record)),
            **_properties(state),
        }
    )
    if table == state.route:
        return state.route
    return table.model_copy(update={"version": state.route.version + 1})


def run_status(state: RunState, ended: RunPhase | None = None) -> RunStatus:
    """The run in a line, its replicas below it."""
    ready = sum(record.ready for record in state.records)
    desired = wanted(state)
    phase = ended or run_phase(state)
    model = state.route.model
    return RunStatus(
        project=state.project,
        name=state.name,
        status=phase,
        status_message=_message(state, phase, ready, desired),
        submitted_at=state.submitted_at,
        incarnation=state.incarnation,
        revision=state.revision,
        desired=desired,
        ready=ready,
        model=model.name if model else None,
        replicas=tuple(_replica_status(record) for record in state.records),
        reason=_end_reason(state, phase),
        failed_replica=failed.num if (failed := _failed_by(state, phase)) else None,
        deployment=state.deployment,
        updating=ended is None and is_updating(state),
        asleep=ended is None and is_asleep(state),
        retrying=ended is None and is_retrying(state),
        starts_at=state.starts_at if ended is None else None,
        reverted=_reverted(state),
        override=state.override,
    )


def run_phase(state: RunState) -> RunPhase:
    """How far a living run is: as far as its furthest replica."""
    if state.stop is not None:
        return RunPhase.TERMINATING
    phases = {record.phase for record in state.records}
    furthest = next((phase for known, phase in _FURTHEST if known in phases), None)
    if furthest is not None:
        return furthest
    waits = wanted(state) == 0 or all(record.phase.is_final for record in state.records)
    begins = wanted(state) > 0 and not state.records
    if state.elastic and state.spec is not None and waits and not begins:
        return RunPhase.PENDING
    return RunPhase.SUBMITTED


def is_asleep(state: RunState) -> bool:
    """Whether it has no replicas because nobody asks for them."""
    follows = state.override is None and state.stop is None and state.starts_at is None
    return follows and state.scale is not None and state.scale.desired == 0


def _properties(state: RunState) -> dict[str, object]:
    if state.spec is None:
        return {}
    asked = state.spec.configuration
    model = None
    if asked.model is not None:
        prefix = asked.model.prefix if isinstance(asked.model, OpenAIModel) else ""
        model = ModelRoute(name=asked.model.name, format=asked.model.format, prefix=prefix)
    return {"auth": asked.auth, "strip_prefix": asked.strip_prefix, "model": model}


def _is_starting(state: RunState, now: datetime) -> bool:
    """Whether a replica is on its way, or will be without anybody's doing."""
    if any(map(_is_on_its_way, state.records)):
        return True
    if state.spec is None or state.stop is not None:
        return False
    if any(comes_again(state, record, now) for record in state.records):
        return True
    if not state.elastic:
        return not state.records
    return wanted(state) > 0 and (not state.records or is_retrying(state) or waits_for_room(state))


def _cold_start(state: RunState) -> float | None:
    """Seconds from start to ready of the replica that was ready last."""
    times = [
        (record.ready_at, record.ready_at - record.started_at)
        for record in state.records
        if record.ready_at is not None and record.started_at is not None
    ]
    return round(max(times)[1].total_seconds(), 1) if times else None


def _is_on_its_way(record: ReplicaRecord) -> bool:
    unready = record.phase is ReplicaPhase.RUNNING and not record.ready
    return record.phase.is_starting or unready


def _is_routed(record: ReplicaRecord) -> bool:
    served = record.ready or record.phase is ReplicaPhase.DRAINING
    return served and bool(record.address)


def _route(record: ReplicaRecord) -> ReplicaRoute:
    draining = record.phase is ReplicaPhase.DRAINING
    state = RouteState.DRAINING if draining else RouteState.READY
    return ReplicaRoute(id=record.id, address=record.address, state=state)


def _reverted(state: RunState) -> RevertedStatus | None:
    reverted = state.reverted
    if reverted is None:
        return None
    words = [word for word in (reverted.reason, reverted.detail) if word]
    return RevertedStatus(
        revision=reverted.revision,
        at=reverted.at,
        message=": ".join(words),
        code=reverted.code,
        hint=reverted.hint,
    )


def _failed_by(state: RunState, phase: RunPhase) -> ReplicaRecord | None:
    """The replica by which the run failed: the last one that did."""
    if phase is not RunPhase.FAILED:
        return None
    failed = [record for record in state.records if record.phase is ReplicaPhase.FAILED]
    return failed[-1] if failed else None


def _end_reason(state: RunState, phase: RunPhase) -> EndReason | None:
    """Why the run ended: for a failed one, as the replica did by which it failed."""
    if phase is RunPhase.TERMINATED:
        return state.stop.ended_by if state.stop else EndReason.STOPPED_BY_USER
    if phase is RunPhase.DONE:
        return EndReason.EXITED
    if phase is RunPhase.FAILED:
        failed = _failed_by(state, phase)
        return (failed.reason if failed else None) or EndReason.ERROR
    return None


def _message(state: RunState, phase: RunPhase, ready: int, desired: int) -> str:
    """What `ps` shows: the phase, or the reason where there is one."""
    if phase is RunPhase.TERMINATED:
        return _shown(_end_reason(state, phase) or EndReason.STOPPED_BY_USER)
    if phase is RunPhase.PENDING:
        return _waiting(state)
    if phase is RunPhase.FAILED:
        failed = _failed_by(state, phase)
        return _failure(failed) if failed else phase.value
    if phase is RunPhase.RUNNING:
        failures = [_failure(r) for r in state.records if r.phase is ReplicaPhase.FAILED]
        unhealthy = [Health.UNHEALTHY.value for r in state.records if _is_unhealthy(r)]
        counted = phase.value if ready == desired else f"{ready}/{desired} ready"
        notes = ["updating"] if is_updating(state) else []
        notes += ["retrying"] if is_retrying(state) else []
        return "; ".join([counted, *notes, *dict.fromkeys(unhealthy + failures)])
    return phase.value


def _waiting(state: RunState) -> str:
    """What a run without replicas waits for."""
    failures = [_failure(r) for r in state.records if r.phase is ReplicaPhase.FAILED]
    if state.starts_at is not None:
        waits = f"starts at {state.starts_at:%Y-%m-%d %H:%M} UTC"
    elif is_retrying(state):
        waits = "retrying"
    elif is_asleep(state):
        waits = "waiting for requests"
    else:
        waits = "no replicas are wanted" if wanted(state) == 0 else "waiting to try again"
    return "; ".join([waits, *dict.fromkeys(failures)])


def _is_unhealthy(record: ReplicaRecord) -> bool:
    """It runs, was ready, and is out of the routes by its probes."""
    return record.phase is ReplicaPhase.RUNNING and record.health is Health.UNHEALTHY


def _failure(record: ReplicaRecord) -> str:
    if record.reason is EndReason.EXITED_WITH_ERROR and record.exit_code is not None:
        return f"exited ({record.exit_code})"
    return _shown(record.reason or EndReason.ERROR)


def _shown(reason: EndReason) -> str:
    return _SHOWN.get(reason, reason.value)


def _replica_status(record: ReplicaRecord) -> ReplicaStatus:
    place = record.placement
    reason = _failure(record) if record.phase.is_final and record.reason else ""
    words = [word for word in (reason, record.detail) if word]
    return ReplicaStatus(
        num=record.num,
        status=record.phase,
        deployment=record.deployment,
        backend=place.backend if place else None,
        region=place.region if place else None,
        resources=place.resources if place else None,
        price=place.price if place else None,
        ready=record.ready,
        message=": ".join(words),
        reason=record.reason,
        code=record.code,
        hint=record.hint,
        health=record.health,
        id=record.id,
    )
