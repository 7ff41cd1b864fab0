"""Rolling updates: from the replicas of one deployment to those of the next, or back.

1. A new replica is ready before an old one drains, so there is one more than wanted meanwhile.
   Where two cannot run beside each other, the old one goes first, and requests are held.
2. Old ones that are not ready serve nobody: they go at once.
3. A new one that ends by itself before nothing older is left undoes the update: the last good
   deployment is wanted again, and its replicas that are left go on.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from policy.decisions import noted
from policy.desired import begun, wanted
from policy.diff import replacing
from policy.retry import end_of, event_of
from spec.decision import Rule
from spec.deployment import Deployment, Reverted
from spec.replica import ReplicaRecord
from spec.retry import RetryEvent
from spec.run import RunState
from spec.status import ReplicaPhase

UNDONE, REVISION = "undone_revision", "revision"
"""What a revert tells: where the deployment that could not serve began, and what the run is now."""


def is_current(state: RunState, record: ReplicaRecord) -> bool:
    """Whether a replica is of the deployment that is wanted."""
    return not state.elastic or record.deployment == state.deployment


def is_under_way(state: RunState) -> bool:
    """Whether the deployment that is wanted has not served yet, or older ones are left."""
    if not state.elastic or state.spec is None:
        return False
    return bool(outdated(state)) or state.good is None or state.good.revision != state.deployment


def is_updating(state: RunState) -> bool:
    """Whether one deployment follows another at this moment; a run that sleeps does that later."""
    return is_under_way(state) and state.good is not None and wanted(state) > 0


def outdated(state: RunState) -> tuple[ReplicaRecord, ...]:
    """The replicas of other deployments that are not gone yet."""
    return tuple(
        record
        for record in state.records
        if not record.phase.is_final and not is_current(state, record)
    )


def is_exclusive(records: Iterable[ReplicaRecord]) -> bool:
    """Whether no other replica can run beside these."""
    return any(record.placement is not None and record.placement.exclusive for record in records)


def is_living(record: ReplicaRecord) -> bool:
    """Whether it starts or runs, and was not told to go."""
    return record.phase.is_starting or record.phase is ReplicaPhase.RUNNING


def waits_for_room(state: RunState, leaves: Collection[str] = ()) -> bool:
    """Whether those that go, and those of `leaves`, must be gone before another one can start.

    Where one is that has not told its place yet, nobody knows that there is room for two.
    """
    going = [r for r in state.records if not r.phase.is_final and _is_going(state, r, leaves)]
    unknown = state.elastic and any(record.placement is None for record in going)
    return unknown or is_exclusive(going)


def applied_deployment(state: RunState, *, replaces: bool) -> dict[str, object]:
    """What of the state changes with a new revision, whose number the state has already."""
    if not state.elastic:
        return {}
    fresh: dict[str, object] = {"reverted": None, "retrials": ()}
    good, spec = state.good, state.spec
    assert spec is not None
    if replaces and good is not None and not replacing(good.spec, spec):
        replaces = False  # back to what serves, or served last
        fresh["deployment"] = good.revision
    if replaces or state.deployment == 0:
        return fresh | {"deployment": state.revision}
    if good is not None and good.revision == fresh.get("deployment", state.deployment):
        fresh["good"] = good.model_copy(update={"spec": spec})
    return fresh


def served(state: RunState, now: datetime) -> RunState:
    """The deployment is good from when it serves and no other one is left."""
    if not is_under_way(state) or outdated(state):
        return state
    if not any(record.ready for record in state.records):
        return state
    assert state.spec is not None
    was_update = state.good is not None
    good = Deployment(revision=state.deployment, spec=state.spec)
    state = state.model_copy(update={"good": good})
    if not was_update:
        return state
    outcome = f"Revision {state.deployment} serves, and nothing older is left."
    return noted(state, now, Rule.ROLLED_OUT, outcome)


def undoes(state: RunState, failed: ReplicaRecord, *, is_retried: bool) -> bool:
    """Whether the failure of this replica means that its deployment cannot take over.

    One that finds no capacity, or loses its machine, tells nothing about the deployment, and may
    be tried again.
    """
    good = state.good
    if good is None or good.revision == state.deployment or not is_current(state, failed):
        return False
    return not is_retried or event_of(end_of(failed)) is RetryEvent.ERROR


def reverted(state: RunState, failed: ReplicaRecord, now: datetime) -> RunState:
    """What served before is wanted again, as a revision of its own."""
    good = state.good
    assert good is not None
    bad, reason = state.deployment, end_of(failed)
    state = state.model_copy(
        update={
            "spec": good.spec,
            "revision": state.revision + 1,
            "deployment": good.revision,
            "retrials": (),
            "scale": begun(state, good.spec, now),
            "records": tuple(
                record
                for record in state.records
                if not record.phase.is_final or record.deployment == good.revision
            ),
            "reverted": Reverted(
                revision=bad,
                at=now,
                reason=reason.value,
                code=failed.code,
                detail=failed.detail,
                hint=failed.hint,
            ),
        }
    )
    outcome = f"Revision {bad} could not become ready: revision {good.revision} serves again."
    inputs = {
        "replica": failed.num,
        "reason": reason,
        "code": failed.code,
        UNDONE: bad,
        REVISION: state.revision,
    }
    return noted(state, now, Rule.REVERTED, outcome, inputs)


def undone(reverts: Iterable[Mapping[str, str]]) -> set[int]:
    """The revisions that were undone, by the inputs of these decisions.

    All of a broken deployment are: what was changed in place meanwhile, too.
    """
    told = (inputs for inputs in reverts if {UNDONE, REVISION} <= inputs.keys())
    return {number for each in told for number in range(int(each[UNDONE]), int(each[REVISION]))}


def _is_going(state: RunState, record: ReplicaRecord, leaves: Collection[str]) -> bool:
    if record.leave_by or record.id in leaves:
        return True
    return not is_current(state, record) and not is_living(record)
