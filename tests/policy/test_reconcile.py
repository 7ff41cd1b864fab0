"""Bringing what is to what is wanted: by cases, then by any course of events."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from policy.reconcile import STARTS, ReleaseReplica, StartReplica, Step, reconcile
from policy.transitions import applied, observed, stopped
from spec.replica import Placement, ReplicaRecord
from spec.run import RunState
from spec.status import EndReason, ReplicaPhase, RunPhase
from tests.policy.making import LATER, NOW, event, record, retried, run, spec

PLACE = Placement(backend="local", region="here", instance_type="m", resources="4xCPU")


def ready(num: int = 0, **values: object) -> ReplicaRecord:
    address = f"tcp://10.0.0.{num}:80"
    return record(num, **{"phase": "running", "ready": True, "address": address, **values})


def started(decision: Step) -> list[int]:
    return [each.record.num for each in decision.actions if isinstance(each, StartReplica)]


def released(decision: Step) -> list[str]:
    return [each.replica for each in decision.actions if isinstance(each, ReleaseReplica)]


def test_a_new_run_starts_what_is_wanted() -> None:
    decision = reconcile(applied(run(), spec(replicas=2), "u1", NOW), NOW)
    assert started(decision) == [0, 1]
    assert [each.id for each in decision.state.records] == [
        "run/main/web/0123456789ab/r0-g1",
        "run/main/web/0123456789ab/r1-g2",
    ]
    assert {each.deployment for each in decision.state.records} == {1}
    assert decision.ended is None


def test_many_replicas_are_started_eight_by_eight() -> None:
    """20 starts of a configuration of 220 KB are more than Temporal takes at once."""
    step = reconcile(applied(run(), spec(replicas=20), "u1", NOW), NOW)
    counts = [len(started(step))]
    while step.unfinished:
        step = reconcile(step.state, NOW)
        counts.append(len(started(step)))
    assert counts == [8, 8, 4]
    assert [each.num for each in step.state.records] == [*range(20)]
    assert reconcile(step.state, NOW).actions == ()


def test_tries_that_are_due_together_are_started_eight_by_eight() -> None:
    state = applied(run(), spec(replicas=20, retry=True), "u1", NOW)
    records = tuple(record(num, phase="failed", deployment=1, judged=True) for num in range(20))
    for num in range(20):
        state = state.model_copy(
            update={"retrials": (*state.retrials, *retried(state, num).retrials)}
        )
    step = reconcile(state.model_copy(update={"records": records}), LATER)
    nums = started(step)
    while step.unfinished:
        step = reconcile(step.state, LATER)
        nums += started(step)
    assert sorted(nums) == [*range(20)]
    assert len(step.state.records) == 20


def test_a_run_from_before_starts_all_at_once_as_it_did() -> None:
    step = reconcile(applied(run(elastic=False), spec(replicas=20), "u1", NOW), NOW)
    assert (len(started(step)), step.unfinished) == (20, False)


@pytest.mark.parametrize(
    ("records", "gone"),
    [
        ((ready(0), ready(1), ready(2)), ["r2"]),
        ((ready(0), record(1, phase="pulling"), ready(2)), ["r1"]),
        ((ready(0), ready(1), record(2, phase="running")), ["r2"]),
    ],
    ids=["the highest slot", "what is not ready", "what does not answer yet"],
)
def test_what_is_too_much_goes(records: tuple[ReplicaRecord, ...], gone: list[str]) -> None:
    decision = reconcile(run(spec(replicas=2), records=records), NOW)
    assert (started(decision), released(decision)) == ([], gone)


def test_a_replica_that_is_sent_away_drains_for_the_stop_duration() -> None:
    state = run(spec(replicas=0, stop_duration=60), records=(ready(),))
    decision = reconcile(state, NOW)
    (release,) = decision.actions
    assert isinstance(release, ReleaseReplica)
    assert release.order.reason is EndReason.SCALED_DOWN
    assert release.order.deadline == NOW + timedelta(seconds=60)
    assert release.order.route_version == decision.state.route.version
    assert [each.state for each in decision.state.route.replicas] == ["draining"]


def test_a_slot_is_filled_again_while_its_old_replica_drains() -> None:
    away = ready(0, phase="draining", ready=False, leave_by=LATER, placement=PLACE)
    decision = reconcile(run(spec(), records=(away,), generation=1), NOW)
    assert started(decision) == [0]
    assert decision.state.records[-1].id.endswith("/r0-g2")


def test_the_slot_of_a_failed_replica_waits_for_the_next_apply() -> None:
    state = run(spec(replicas=2), records=(ready(0), record(1, phase="failed")))
    assert reconcile(state, NOW).actions == ()
    assert started(reconcile(applied(state, spec(replicas=2), "u1", NOW), NOW)) == [1]


@pytest.mark.parametrize(
    ("abort", "reason", "seconds"),
    [(False, EndReason.STOPPED_BY_USER, 60), (True, EndReason.ABORTED_BY_USER, 0)],
)
def test_a_stop_sends_all_away(abort: bool, reason: EndReason, seconds: int) -> None:
    records = (ready(0), record(1, phase="pulling"))
    state = stopped(run(spec(replicas=2, stop_duration=60), records=records), NOW, abort=abort)
    decision = reconcile(state, LATER)
    assert sorted(released(decision)) == ["r0", "r1"]
    for action in decision.actions:
        assert isinstance(action, ReleaseReplica)
        assert action.order.reason is reason
        assert action.order.deadline == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("phase", [ReplicaPhase.DRAINING, ReplicaPhase.TERMINATING])
def test_an_abort_hurries_what_is_on_its_way_out(phase: ReplicaPhase) -> None:
    away = ready(0, phase=phase, ready=False, leave_by=LATER)
    decision = reconcile(stopped(run(spec(), records=(away,)), NOW, abort=True), NOW)
    assert released(decision) == ["r0"]
    assert decision.state.records[0].phase is phase
    assert reconcile(decision.state, NOW).actions == ()


def test_what_has_ended_is_not_hurried() -> None:
    over = record(0, phase="failed", leave_by=LATER)
    decision = reconcile(stopped(run(spec(), records=(over,)), NOW, abort=True), NOW)
    assert (decision.actions, decision.ended) == ((), RunPhase.TERMINATED)


@pytest.mark.parametrize(
    ("phases", "ended"),
    [
        (["done", "done"], RunPhase.DONE),
        (["done", "failed"], RunPhase.FAILED),
        (["failed", "running"], None),
        (["failed", "terminating"], None),
        (["done", "submitted"], None),
    ],
)
def test_a_run_is_over_when_all_its_replicas_are(phases: list[str], ended: RunPhase) -> None:
    records = tuple(record(num, phase=phase) for num, phase in enumerate(phases))
    assert reconcile(run(spec(replicas=2), records=records), NOW).ended is ended


def test_a_stopped_run_is_over_when_nothing_of_it_is_left() -> None:
    state = stopped(run(spec(), records=(record(phase="terminating"),)), NOW, abort=False)
    assert reconcile(state, NOW).ended is None
    over = observed(state, event(phase="terminated"), NOW)
    assert reconcile(over, NOW).ended is RunPhase.TERMINATED


def test_a_run_of_zero_replicas_is_not_over() -> None:
    assert reconcile(run(spec(replicas=0)), NOW).ended is None


class Course(RuleBasedStateMachine):
    """A run that began before replicas came by turns, and whatever may happen to it.

    After each event it reconciles.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        first = applied(run(elastic=False), spec(replicas=1), "u0", NOW)
        self.state = reconcile(first, NOW).state
        self.before = self.state
        self.decision = Step(state=self.state)
        self.used = {each.id for each in self.state.records}

    def settle(self, state: RunState) -> None:
        self.before = state
        self.decision = reconcile(state, self.now)
        self.state = self.decision.state

    @property
    def wanted(self) -> int:
        assert self.state.spec is not None
        return 0 if self.state.stop else self.state.spec.replicas

    @rule(seconds=st.integers(0, 20))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.state.stop is None)
    @rule(replicas=st.integers(0, 4))
    def it_is_applied(self, replicas: int) -> None:
        self.settle(applied(self.state, spec(replicas=replicas), f"u{self.state.revision}", NOW))

    @rule(abort=st.booleans())
    def it_is_stopped(self, abort: bool) -> None:
        self.settle(stopped(self.state, self.now, abort=abort))

    @precondition(lambda self: bool(self.state.records))
    @rule(data=st.data())
    def a_replica_tells_something(self, data: st.DataObject) -> None:
        phase = data.draw(st.sampled_from(list(ReplicaPhase)))
        teller = data.draw(st.sampled_from(self.state.records))
        can_serve = phase is ReplicaPhase.RUNNING
        news = event(
            teller.id,
            phase=phase,
            ready=can_serve and data.draw(st.booleans()),
            address=f"tcp://10.0.0.{teller.num}:80" if can_serve else "",
        )
        heard = observed(self.state, news, NOW)
        self.settle(heard)
        assert not released(self.decision), "a replica's news never send another away"

    @invariant()
    def nothing_is_left_to_decide(self) -> None:
        again = reconcile(self.state, self.now)
        assert again.actions == ()
        assert again.state == self.state

    @invariant()
    def never_more_live_than_are_wanted(self) -> None:
        living = [
            each
            for each in self.state.records
            if each.phase.is_starting or each.phase is ReplicaPhase.RUNNING
        ]
        assert len(living) <= self.wanted
        assert len({each.num for each in living}) == len(living)

    @invariant()
    def what_serves_is_sent_away_only_when_less_is_wanted(self) -> None:
        serving = [each.id for each in self.before.records if each.ready]
        still = [each.id for each in self.state.records if each.ready]
        assert len(still) == min(len(serving), self.wanted)

    @invariant()
    def an_end_is_an_end(self) -> None:
        ends = {each.id: each.phase for each in self.before.records if each.phase.is_final}
        now = {each.id: each.phase for each in self.state.records if each.id in ends}
        assert now == ends

    @invariant()
    def every_replica_has_an_id_of_its_own(self) -> None:
        fresh = {each.record.id for each in self.decision.actions if isinstance(each, StartReplica)}
        ids = [each.id for each in self.state.records]
        assert len(ids) == len(set(ids))
        assert not fresh & (self.used - {each.id for each in self.state.records})
        self.used |= fresh

    @invariant()
    def routes_are_those_of_the_records(self) -> None:
        known = {each.id for each in self.state.records if not each.phase.is_final}
        assert {each.id for each in self.state.route.replicas} <= known
        changed = self.state.route != self.before.route
        assert self.state.route.version == self.before.route.version + changed


CourseOfEvents = Course.TestCase


@given(st.integers(0, 30), st.integers(0, 30), st.datetimes(timezones=st.just(NOW.tzinfo)))
def test_scaling_by_a_difference_acts_as_often(old: int, new: int, now: datetime) -> None:
    records: Any = tuple(ready(num) for num in range(old))
    decision = reconcile(run(spec(replicas=new), records=records), now)
    done = [*decision.actions]
    while decision.unfinished:
        decision = reconcile(decision.state, now)
        done += decision.actions
        assert len(started(decision)) <= STARTS
    assert len(done) == abs(new - old)
