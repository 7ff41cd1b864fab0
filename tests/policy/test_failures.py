"""What follows when a replica has failed, or has ended by itself."""

from datetime import timedelta

import pytest

from policy.desired import is_blocked, overridden, wanted, watched, woken
from policy.failures import is_retrying, judged
from policy.reconcile import StartReplica, Step, reconcile
from policy.transitions import applied, observed, stopped
from spec.decision import Rule
from spec.load import WatchMemory
from spec.replica import ReplicaRecord
from spec.run import RunState
from spec.scale import ScaleRequest, ScalingRule, Verdict, WatchReport
from spec.status import ReplicaPhase, RunPhase
from tests.policy.making import LATER, LIFE, NOW, SCALING, event, record, run, spec


def started(step: Step) -> list[int]:
    return [each.record.num for each in step.actions if isinstance(each, StartReplica)]


def failed(num: int = 0, **values: object) -> ReplicaRecord:
    return record(num, **{"phase": "failed", "reason": "error", **values})


def ready(num: int = 0, **values: object) -> ReplicaRecord:
    return record(num, phase="running", ready=True, address="tcp://a:1", **values)


def ranged(replicas: str, desired: int, *records: ReplicaRecord, **properties: object) -> RunState:
    """A range of which a deployment has served, and its replicas now."""
    asked = spec(replicas=replicas, **SCALING, **properties)
    state = applied(run(), asked, "u1", NOW)
    assert state.scale is not None
    scale = state.scale.model_copy(update={"unproven": False, "desired": desired})
    return state.model_copy(update={"scale": scale, "records": records, "ready_at": NOW})


def test_each_end_is_judged_once_and_told() -> None:
    state = judged(run(spec(replicas=2), records=(ready(0), failed(1))), NOW)
    assert [each.judged for each in state.records] == [False, True]
    assert [each.rule for each in state.decisions] == [Rule.ENDED, Rule.RETRIED]
    assert state.decisions[0].outcome == "Replica 1 failed: error."
    assert state.decisions[1].rejected[0].why == "`retry` is off"
    assert judged(state, LATER) == state


@pytest.mark.parametrize(
    "state",
    [
        run(spec(), elastic=False, records=(failed(),)),
        stopped(run(spec(), records=(failed(),)), NOW, abort=False),
    ],
    ids=["of an old run", "of one that stops"],
)
def test_some_failures_have_no_consequences(state: RunState) -> None:
    assert judged(state, NOW) == state


def test_a_failed_replica_is_tried_again_when_its_pause_is_over() -> None:
    step = reconcile(run(spec(retry=True), records=(failed(),)), NOW)
    assert (started(step), step.ended, is_retrying(step.state)) == ([], None, True)
    assert step.due == NOW + timedelta(seconds=15)
    assert step.state.decisions[-1].outcome == "Replica 0 is tried again in 15 s, for the 1. time."
    again = reconcile(step.state, step.due)
    assert (started(again), is_retrying(again.state)) == ([0], False)
    assert [each.attempt for each in again.state.retrials] == [1]


def test_a_run_fails_when_its_last_try_did() -> None:
    step, now = reconcile(run(spec(retry=True), records=(failed(),)), NOW), NOW
    tries = 0
    while step.ended is None:
        assert step.due is not None
        now = step.due
        step = reconcile(step.state, now)
        (replica,) = step.state.records
        news = event(replica.id, phase="failed", reason="error")
        step = reconcile(observed(step.state, news, now), now)
        tries += 1
    assert (step.ended, tries) == (RunPhase.FAILED, 10)
    assert now - NOW <= timedelta(hours=1)


def test_a_run_with_a_replica_that_serves_never_fails_because_of_another() -> None:
    step = reconcile(run(spec(replicas=2), records=(ready(0), failed(1))), NOW)
    assert (started(step), step.ended, step.due) == ([], None, None)


def test_a_replica_that_leaves_and_fails_is_not_missed() -> None:
    away = failed(0, leave_by=LATER)
    step = reconcile(run(spec(retry=True), records=(ready(1), away)), NOW)
    assert [each.num for each in step.state.records] == [1]
    assert step.state.retrials == ()


def test_the_failure_of_one_that_nobody_wants_does_not_end_the_run() -> None:
    none = overridden(run(spec(), records=(ready(),)), ScaleRequest(replicas=0), NOW)
    step = reconcile(observed(none, event(phase="failed", reason="error"), NOW), NOW)
    assert (step.state.records, step.ended) == ((), None)
    back = overridden(step.state, ScaleRequest(), LATER)
    assert started(reconcile(back, LATER)) == [0]


def test_a_number_set_to_nothing_and_back_starts_all_again() -> None:
    state = reconcile(run(spec(replicas=2), records=(ready(0), failed(1))), NOW).state
    none = reconcile(overridden(state, ScaleRequest(replicas=0), NOW), NOW).state
    empty = observed(none, event("r0", phase="terminated"), NOW)
    step = reconcile(overridden(empty, ScaleRequest(replicas=1), NOW), NOW)
    assert (started(step), step.ended) == ([0], None)


def test_a_try_for_which_no_slot_is_left_is_forgotten() -> None:
    waiting = reconcile(run(spec(replicas=2, retry=True), records=(ready(0), failed(1))), NOW)
    fewer = reconcile(overridden(waiting.state, ScaleRequest(replicas=1), NOW), NOW)
    after = reconcile(fewer.state, LATER)
    assert (started(after), is_retrying(after.state)) == ([], False)
    assert [each.num for each in after.state.records] == [0]


def test_the_slot_whose_try_is_due_is_the_one_that_is_filled() -> None:
    state = run(spec(replicas=2, retry=True), records=(ready(0), failed(5)))
    waiting = reconcile(state, NOW).state
    assert started(reconcile(waiting, LATER)) == [5]


def test_with_the_replica_that_is_sent_away_its_tries_are_forgotten() -> None:
    tried = reconcile(run(spec(retry=True), records=(failed(),)), NOW).state
    running = reconcile(tried, LATER).state
    none = reconcile(overridden(running, ScaleRequest(replicas=0), LATER), LATER).state
    assert none.retrials == ()


def test_a_failure_in_a_range_leaves_the_number_unmet_for_a_while() -> None:
    step = reconcile(ranged("1..4", 2, ready(0), failed(1)), NOW)
    assert (started(step), step.ended) == ([], None)
    assert is_blocked(step.state, NOW)
    assert step.due is not None
    assert started(reconcile(step.state, step.due)) == [1]


def test_another_s_failure_does_not_hold_up_a_try_that_is_due() -> None:
    asked = {"on_events": ["error"]}
    state = ranged("1..4", 2, failed(0), failed(1, reason="no capacity"), retry=asked)
    waiting = reconcile(state, NOW)
    assert is_blocked(waiting.state, LATER)
    assert waiting.due == NOW + timedelta(seconds=15)
    assert started(reconcile(waiting.state, waiting.due)) == [0]


def test_a_run_whose_replica_is_tried_again_does_not_sleep() -> None:
    asked = {"on_events": ["error"]}
    state = ranged("0..4", 2, failed(0), failed(1, reason="no capacity"), retry=asked)
    assert wanted(reconcile(state, NOW).state) == 2


@pytest.mark.parametrize("end", [failed(), record(phase="done")])
def test_a_range_from_zero_sleeps_after_an_end_and_can_be_woken(end: ReplicaRecord) -> None:
    step = reconcile(ranged("0..4", 1, end), NOW)
    assert (wanted(step.state), step.ended) == (0, None)
    assert not step.state.route.asleep
    assert step.due is not None
    awake = reconcile(step.state, step.due)
    assert awake.state.route.asleep
    assert started(reconcile(woken(awake.state, LIFE, step.due), step.due)) == [0]


@pytest.mark.parametrize(("phase", "ended"), [("failed", RunPhase.FAILED), ("done", RunPhase.DONE)])
def test_a_range_from_one_is_over_with_its_last_replica(phase: str, ended: RunPhase) -> None:
    assert reconcile(ranged("1..4", 1, record(phase=phase)), NOW).ended is ended


def test_a_try_is_forgotten_when_the_load_wants_none() -> None:
    waiting = reconcile(ranged("0..4", 1, failed(), retry=True), NOW).state
    assert waiting.scale is not None
    verdict = Verdict(desired=0, rule=ScalingRule.DOWN, need=0, highest=0, rps=0, busy=0)
    report = WatchReport(number=waiting.scale.watch, at=NOW, verdict=verdict, memory=WatchMemory())
    step = reconcile(watched(waiting, report, NOW), LATER)
    assert (step.state.records, step.state.retrials, step.ended) == ((), (), None)
    assert step.state.route.asleep


def test_a_slot_that_is_done_wants_no_other() -> None:
    step = reconcile(run(spec(replicas=2), records=(ready(0), record(1, phase="done"))), NOW)
    assert (started(step), step.ended) == ([], None)
    assert step.state.records[1].phase is ReplicaPhase.DONE
