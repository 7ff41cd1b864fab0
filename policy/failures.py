"""What follows when a replica has failed, or has ended by itself."""

from datetime import datetime

from policy.decisions import noted
from policy.desired import unfilled, wanted
from policy.retry import RetryVerdict, end_of, judge
from policy.rollout import is_current, reverted, undoes
from spec.decision import Rejected, Rule
from spec.replica import ReplicaRecord
from spec.run import RunState
from spec.status import ReplicaPhase


def judged(state: RunState, now: datetime) -> RunState:
    """Each end has its consequences once: an update is undone, a try set, or nothing more."""
    if not state.elastic or state.stop is not None:
        return state
    while ended := _next_ended(state):
        state = _judged(_marked(state, ended), ended, now)
    return state


def is_retrying(state: RunState) -> bool:
    """Whether a replica that failed will be tried again."""
    failed = {record.num for record in state.records if record.phase is ReplicaPhase.FAILED}
    return any(retrial.num in failed for retrial in state.retrials)


def comes_again(state: RunState, ending: ReplicaRecord, now: datetime) -> bool:
    """Whether another replica follows this one, which ends by itself and is not gone yet."""
    ends = ending.phase is ReplicaPhase.TERMINATING and ending.leave_by is None
    if not ends or not state.elastic or wanted(state) == 0 or not is_current(state, ending):
        return False
    is_retried = _verdict(state, ending, now).retrial is not None
    return is_retried or undoes(state, ending, is_retried=is_retried)


def with_needed_retrials(state: RunState) -> RunState:
    """Without those of slots that are empty, or whose replica was sent away."""
    nums = {record.num for record in state.records if record.leave_by is None}
    left = tuple(each for each in state.retrials if each.num in nums)
    return state if left == state.retrials else state.model_copy(update={"retrials": left})


def _next_ended(state: RunState) -> ReplicaRecord | None:
    return next((r for r in state.records if r.phase.is_final and not r.judged), None)


def _marked(state: RunState, failed: ReplicaRecord) -> RunState:
    mark = failed.model_copy(update={"judged": True})
    records = tuple(mark if record.id == failed.id else record for record in state.records)
    return state.model_copy(update={"records": records})


def _judged(state: RunState, failed: ReplicaRecord, now: datetime) -> RunState:
    state = _told(state, failed, now)
    if failed.leave_by or wanted(state) == 0 or not is_current(state, failed):
        return _forgotten(state, failed)
    verdict = _verdict(state, failed, now)
    if undoes(state, failed, is_retried=verdict.retrial is not None):
        return reverted(state, failed, now)
    others = tuple(each for each in state.retrials if each.num != failed.num)
    if verdict.retrial is not None:
        state = state.model_copy(update={"retrials": (*others, verdict.retrial)})
        return noted(state, now, Rule.RETRIED, _next_try(verdict, now))
    state = state.model_copy(update={"retrials": others})
    option = Rejected(option=f"another try of replica {failed.num}", why=verdict.why)
    outcome = f"Replica {failed.num} is not tried again."
    state = noted(state, now, Rule.RETRIED, outcome, rejected=(option,))
    if state.scale is None:
        return state
    tried = {each.num for each in others}
    left = [r for r in state.records if not r.phase.is_final or r.num in tried]
    return unfilled(state, len(left), now)


def _verdict(state: RunState, failed: ReplicaRecord, now: datetime) -> RetryVerdict:
    assert state.spec is not None
    earlier = next((each for each in state.retrials if each.num == failed.num), None)
    return judge(state.spec.configuration.retry, failed, earlier, now, state.pauses)


def _told(state: RunState, failed: ReplicaRecord, now: datetime) -> RunState:
    reason = end_of(failed)
    inputs = {"reason": reason, "exit_code": failed.exit_code, "code": failed.code}
    word = "failed" if failed.phase is ReplicaPhase.FAILED else "ended"
    return noted(state, now, Rule.ENDED, f"Replica {failed.num} {word}: {reason}.", inputs)


def _next_try(verdict: RetryVerdict, now: datetime) -> str:
    retrial = verdict.retrial
    assert retrial is not None
    pause = (retrial.at - now).total_seconds()
    return (
        f"Replica {retrial.num} is tried again in {pause:.0f} s, for the {retrial.attempt}. time."
    )


def _forgotten(state: RunState, failed: ReplicaRecord) -> RunState:
    """One that leaves, or of another deployment: it is not missed."""
    records = tuple(record for record in state.records if record.id != failed.id)
    return state.model_copy(update={"records": records})
