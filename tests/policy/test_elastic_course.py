"""What holds of a run that scales, retries and updates itself, in any course of events."""

from hypothesis import settings
from hypothesis.stateful import invariant

from policy.desired import wanted
from policy.failures import is_retrying
from policy.reconcile import SURGE, StartReplica, reconcile
from policy.rollout import is_under_way, outdated
from policy.views import is_asleep, run_status
from spec.replica import ReplicaRecord
from spec.status import EndReason, ReplicaPhase, RunPhase
from tests.policy.elastic_course import Surroundings, living

MANY = 400
"""Rounds after which a run that is still not quiet never will be."""


class ElasticCourse(Surroundings):
    """The invariants; those of decisions hold whenever one was made."""

    def __init__(self) -> None:
        super().__init__()
        self.used: set[str] = set()
        self.failed: set[int] = set()
        self.decided_at = self.now

    @property
    def is_decided(self) -> bool:
        return self.state is self.step.state and self.now == self.decided_at

    def reconcile(self) -> None:
        self.failed |= {r.num for r in self.state.records if r.phase is ReplicaPhase.FAILED}
        self.decided_at = self.now
        super().reconcile()
        fresh = [a.record.id for a in self.step.actions if isinstance(a, StartReplica)]
        assert not self.used & {*fresh}, "no id is used twice"
        assert len(fresh) == len({*fresh})
        self.used |= {*fresh}

    @invariant()
    def all_of_this_holds(self) -> None:
        for name in INVARIANTS:
            getattr(self, name)()

    def nothing_is_left_to_decide(self) -> None:
        if self.is_decided:
            again = reconcile(self.state, self.now)
            assert again.actions == ()
            assert again.state == self.state
            assert (again.ended, again.due) == (self.step.ended, self.step.due)

    def never_more_live_than_are_wanted_and_one_for_an_update(self) -> None:
        if not self.is_decided:
            return
        count, alive = wanted(self.state), living(self.state)
        assert len(alive) <= count + (SURGE if outdated(self.state) else 0)
        for deployment in {each.deployment for each in alive}:
            assert sum(each.deployment == deployment for each in alive) <= count
        assert len({each.num for each in alive}) == len(alive)

    def what_serves_goes_only_when_fewer_are_wanted_or_a_newer_one_is_ready(self) -> None:
        if not self.is_decided or (self.exclusive and outdated(self.state)):
            return
        before = sum(each.ready for each in self.before.records)
        done = [r for r in self.state.records if r.phase is ReplicaPhase.DONE]
        after = sum(each.ready for each in self.state.records)
        assert after >= min(wanted(self.state) - len(done), before)
        assert after <= before

    def where_two_share_a_place_there_are_never_two_at_once(self) -> None:
        if self.exclusive:
            assert sum(not each.phase.is_final for each in self.state.records) <= 1

    def a_run_ends_only_with_its_last_replica(self) -> None:
        if self.step.ended is None:
            return
        assert all(each.phase.is_final for each in self.before.records)
        if self.step.ended is not RunPhase.TERMINATED:
            assert self.state.stop is None
            assert wanted(self.state) > 0

    def only_slots_that_failed_are_tried_again(self) -> None:
        assert {each.num for each in self.state.retrials} <= self.failed
        if self.is_decided and is_retrying(self.state):
            leaving = any(not r.phase.is_final for r in self.state.records if r.leave_by)
            assert self.step.due is not None or leaving

    def something_goes_on_or_is_waited_for(self) -> None:
        if not self.is_decided or not self.lives:
            return
        assert self.step.due is None or self.step.due > self.now
        goes_on = any(not each.phase.is_final for each in self.state.records)
        waits_for_somebody = wanted(self.state) == 0 and self.state.stop is None
        assert goes_on or waits_for_somebody or self.step.due is not None

    def decisions_are_counted(self) -> None:
        numbers = [each.number for each in self.state.decisions]
        assert numbers == [*range(1, self.state.decided + 1)]

    def the_route_is_versioned(self) -> None:
        if self.is_decided:
            changed = self.state.route != self.before.route
            assert self.state.route.version == self.before.route.version + changed
            known = {each.id for each in self.state.records if not each.phase.is_final}
            assert {each.id for each in self.state.route.replicas} <= known

    def the_range_holds(self) -> None:
        scale, within = self.state.scale, self.within
        assert (scale is None) == (within is None)
        if scale is not None and within is not None:
            assert within.clip(scale.desired) == scale.desired

    def the_status_can_be_told(self) -> None:
        status = run_status(self.state, self.step.ended)
        assert status.desired == wanted(self.state)
        if is_asleep(self.state):
            assert status.desired == 0

    def teardown(self) -> None:
        """Whatever has happened: from here on all behave well, and then a new image never does."""
        self.run_on(bad=None)
        self.assert_it_serves()
        good = self.state.deployment
        if not self.lives or self.state.stop or not any(r.ready for r in self.state.records):
            return
        if self.state.good is None or self.state.good.revision != good or outdated(self.state):
            return
        self.images = 99
        self.apply()
        bad = self.state.deployment
        assert bad != good
        self.run_on(bad=bad)
        if self.lives and self.state.stop is None and wanted(self.state) > 0:
            assert self.state.deployment == good
            assert self.state.reverted is not None
            assert self.state.reverted.revision == bad
            self.assert_it_serves()

    def assert_it_serves(self) -> None:
        state = self.state
        if not self.lives or state.stop is not None:
            return
        over = [each for each in state.records if each.phase.is_final]
        ready = [each for each in state.records if each.ready]
        assert len(ready) >= wanted(state) - len(over)
        if ready and not over:
            assert outdated(state) == ()
            assert not is_under_way(state)
            assert {each.deployment for each in ready} == {state.deployment}

    def run_on(self, *, bad: int | None) -> None:
        """Until nothing happens any more; replicas of the deployment `bad` always fail."""
        for _ in range(MANY):
            self.reconcile()
            self.all_of_this_holds()
            if not self.lives:
                return
            unsettled = [r for r in self.state.records if not r.phase.is_final and not r.ready]
            for each in unsettled:
                self.settle(each, fails=each.deployment == bad)
            if not unsettled and not self.is_waiting():
                return
            if not unsettled and self.step.due is not None:
                self.now = max(self.now, self.step.due)
        raise AssertionError("it never comes to rest")

    def is_waiting(self) -> bool:
        blocked = self.state.scale.blocked_until if self.state.scale else None
        return is_retrying(self.state) or (blocked is not None and blocked > self.now)

    def settle(self, each: ReplicaRecord, *, fails: bool) -> None:
        if each.leave_by:
            self.hear(each.id, phase="terminated", reason="scaled down")
        elif each.phase is ReplicaPhase.TERMINATING:
            self.hear(each.id, phase="failed", reason=each.reason or EndReason.ERROR)
        elif fails:
            self.hear(each.id, phase="failed", reason="no capacity")
        else:
            self.tell(each, "ready")


INVARIANTS = (
    "nothing_is_left_to_decide",
    "never_more_live_than_are_wanted_and_one_for_an_update",
    "what_serves_goes_only_when_fewer_are_wanted_or_a_newer_one_is_ready",
    "where_two_share_a_place_there_are_never_two_at_once",
    "a_run_ends_only_with_its_last_replica",
    "only_slots_that_failed_are_tried_again",
    "something_goes_on_or_is_waited_for",
    "decisions_are_counted",
    "the_route_is_versioned",
    "the_range_holds",
    "the_status_can_be_told",
)

ElasticCourseOfEvents = ElasticCourse.TestCase
ElasticCourseOfEvents.settings = settings(max_examples=60, stateful_step_count=30)
