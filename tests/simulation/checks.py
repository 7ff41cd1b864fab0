"""What must hold of a run whenever it was told something, or has decided."""

from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from policy.desired import wanted
from policy.reconcile import SURGE, ReleaseReplica, StartReplica, Step
from policy.rollout import outdated
from spec.replica import ReplicaRecord
from spec.retry import RetryEvent
from spec.run import RunState
from spec.scale import WatchReport
from spec.scaling import ScalingMetric
from spec.status import EndReason, Health, ReplicaPhase, RunPhase
from tests.simulation.clock import BEGINNING
from tests.simulation.violation import ensure

if TYPE_CHECKING:
    from tests.simulation.run import Run
    from tests.simulation.world import World

HURRY, MOST_STARTS = 600.0, 60
"""Within so many seconds no life of a run starts more replicas than these."""


class Checks:
    """Of one world. Each raises `Violation`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._starts: list[int] = []
        self._used: dict[str, None] = {}
        self._rise: WatchReport | None = None
        self._served: set[str] = set()
        self._failed: dict[int, tuple[str, int]] = {}
        self._tries: dict[int, int] = {}
        self.count = 0

    # When a run was told something

    def heard(self, run: "Run", before: RunState) -> None:
        self.count += 1
        state = run.state
        if state.spec is not before.spec or state.override is not before.override:
            self._rise = None
            self._failed.clear()
        tried = {each.num for each in state.retrials}
        self._tries = {num: count for num, count in self._tries.items() if num in tried}
        for record in state.records:
            if record.phase is ReplicaPhase.FAILED:
                now = self._world.clock.now
                self._failed.setdefault(record.num, (record.id, now))
        self._range_holds(state)
        self._decisions_are_numbered(before, state)
        ready = {record.id for record in state.records if record.ready}
        if ready:
            self._served.add(run.incarnation)
        for record in before.records:
            if record.ready and record.id not in ready:
                replica = self._world.replicas[record.id]
                ensure(
                    replica.over or replica.health is not Health.HEALTHY,
                    "what is healthy leaves the routes by an order only",
                    record.id,
                )

    def reported(self, run: "Run", report: WatchReport) -> None:
        """Before the run takes in what its watch has found."""
        scale, spec = run.state.scale, run.state.spec
        asked = spec.scaling if spec else None
        if scale is None or asked is None or report.number != scale.watch:
            return
        if report.verdict.desired >= scale.desired:
            self._rise = report if report.verdict.desired > scale.desired else self._rise
            return
        ensure(
            report.verdict.desired > 0 or run.incarnation in self._served,
            "what has woken is not taken away before it was ready",
        )
        seen = (report.at - BEGINNING) // timedelta(milliseconds=1)
        silent = [
            each.boot
            for each in self._world.proxies.living
            if each.silent_since is not None and each.silent_since <= seen
        ]
        ensure(not silent, "fewer are wanted only when all proxies tell", silent)
        busy = self._world.proxies.busy_since(seen)
        share = busy / asked.scaling.target
        needed = ceil(share - 1e-9) if asked.scaling.metric is ScalingMetric.IN_FLIGHT else 0
        needed = asked.replicas.clip(max(needed, min(busy, 1)))
        ensure(
            report.verdict.desired >= needed,
            "what is used is not scaled away",
            f"{busy} busy need {needed}, and {report.verdict.desired} are wanted",
        )
        if self._rise is not None:
            passed = report.at - self._rise.at
            ensure(
                passed >= timedelta(seconds=asked.scaling.scale_down_delay),
                "fewer are wanted only when fewer were enough for the whole delay",
                passed,
            )

    # When it has decided

    def decided(self, run: "Run", before: RunState, step: Step) -> None:
        self.count += 1
        state, now = step.state, self._world.clock.moment
        if wanted(state) == 0:
            self._served.discard(run.incarnation)
        self._range_holds(state)
        self._decisions_are_numbered(before, state)
        self._number_is_right(state)
        self._starts_are_justified(before, step, now)
        self._what_serves_stays(before, step)
        self._route_is_true(before, state)
        self._it_knows_its_replicas(run, state)
        if step.ended is not None:
            self._end_is_true(run, step)
        else:
            self._it_goes_on(state, step, now)

    def _range_holds(self, state: RunState) -> None:
        scale = state.scale
        asked = state.spec.scaling if state.spec else None
        ensure((scale is None) == (asked is None), "a range has its scaling, and nothing else has")
        if scale is not None and asked is not None:
            within = asked.replicas
            ensure(
                within.min <= scale.desired <= within.max,
                "the number is within the range",
                f"{scale.desired} of {within}",
            )

    def _decisions_are_numbered(self, before: RunState, state: RunState) -> None:
        count = len(state.decisions)
        numbers = [each.number for each in state.decisions]
        ensure(
            numbers == [*range(state.decided - count + 1, state.decided + 1)]
            and state.decided >= before.decided,
            "the numbers of decisions have no gap",
            numbers,
        )

    def _number_is_right(self, state: RunState) -> None:
        count, alive = wanted(state), [each for each in state.records if _is_living(each)]
        surge = SURGE if outdated(state) else 0
        ensure(
            len(alive) <= count + surge,
            "no more live than are wanted, and one for an update",
            f"{len(alive)} of {count}",
        )
        nums = [each.num for each in alive]
        ensure(len(nums) == len({*nums}), "no slot has two replicas", nums)
        places = [each for each in state.records if not each.phase.is_final]
        if any(each.placement and each.placement.exclusive for each in places):
            ensure(len(places) <= 1, "where two share a place there are never two at once")

    def _starts_are_justified(self, before: RunState, step: Step, now: datetime) -> None:
        starts = [a.record for a in step.actions if isinstance(a, StartReplica)]
        if not starts:
            return
        for record in starts:
            ensure(record.id not in self._used, "no replica is started twice", record.id)
            self._used[record.id] = None
            self._is_no_haste(before, step.state, record)
        blocked = step.state.scale.blocked_until if step.state.scale else None
        if blocked is not None and blocked > now:
            tried = {each.num for each in before.retrials if each.at <= now}
            ensure(
                {each.num for each in starts} <= tried,
                "none is added as long as the last one that failed blocks that",
                f"until {blocked:%H:%M:%S}",
            )
        time = self._world.clock.now
        self._starts = [each for each in self._starts if time - each < HURRY * 1000]
        self._starts += [time] * len(starts)
        ensure(
            len(self._starts) <= MOST_STARTS,
            "replicas are not started all the time",
            f"{len(self._starts)} in {HURRY:.0f} s",
        )

    def _is_no_haste(self, before: RunState, state: RunState, record: ReplicaRecord) -> None:
        """It takes a slot whose replica failed: unless people changed something, after a pause.

        The pauses of tries grow, until one was healthy for long enough.
        """
        known, since = self._failed.pop(record.num, ("", 0))
        failed = next((each for each in before.records if each.id == known), None)
        fresh = state.deployment != before.deployment or state.spec is not before.spec
        tries = self._tries.pop(record.num, 0)
        if fresh or failed is None or failed.deployment != record.deployment:
            return
        clock, pauses = self._world.clock, state.pauses
        is_try = any(each.num == record.num for each in before.retrials)
        if is_try:
            ready_at, end = failed.ready_at, clock.moment_of(since)
            healthy = ready_at and (end - ready_at).total_seconds() >= pauses.healthy
            tries = 1 if healthy else tries + 1
            self._tries[record.num] = tries
        least = pauses.retry[min(tries, len(pauses.retry)) - 1] if is_try else pauses.retry[0]
        passed = (clock.now - since) / 1000
        ensure(
            passed >= least,
            "there is a pause before another try",
            f"{record.id} {passed:.0f} s after {known}, not {least} s",
        )

    def _what_serves_stays(self, before: RunState, step: Step) -> None:
        state = step.state
        known = {record.id: record for record in state.records}
        ordered = {each.replica for each in step.actions if isinstance(each, ReleaseReplica)}
        for record in before.records:
            if record.ready:
                now = known.get(record.id)
                ensure(
                    now is not None and (now.ready or record.id in ordered),
                    "what is ready leaves by an order only",
                    record.id,
                )
        if self._world.exclusive and outdated(state):
            return
        done = sum(record.phase is ReplicaPhase.DONE for record in state.records)
        served = sum(record.ready for record in before.records)
        serve = sum(record.ready for record in state.records)
        ensure(
            serve >= min(wanted(state) - done, served),
            "what serves goes only when fewer are wanted, or a newer one is ready",
            f"{served} before, {serve} after, {wanted(state)} wanted",
        )

    def _route_is_true(self, before: RunState, state: RunState) -> None:
        grown = state.route.version - before.route.version
        ensure(
            grown == int(state.route != before.route),
            "the version of the routes grows with each change",
            grown,
        )
        routed = {each.id for each in state.route.replicas}
        ready = {each.id for each in state.records if each.ready}
        ensure(ready <= routed, "what is ready is routed", ready)
        if ready or state.stop is not None or wanted(state) == 0:
            return
        until = state.scale.blocked_until if state.scale else None
        blocked = until is not None and until > self._world.clock.moment
        ensure(
            state.route.starting or blocked or any(_is_given_up(state, r) for r in state.records),
            "requests are held while a replica is to come",
        )

    def _it_knows_its_replicas(self, run: "Run", state: RunState) -> None:
        known = {each.id for each in state.records if not each.phase.is_final}
        for replica in self._world.living.values():
            mine = replica.start.incarnation == run.incarnation
            ensure(
                not mine or replica.told_end or replica.id in known,
                "the run knows all of its replicas",
                replica.id,
            )

    def _end_is_true(self, run: "Run", step: Step) -> None:
        ensure(
            not any(record.ready for record in step.state.records),
            "no run ends with a replica that is ready",
        )
        if step.ended is not RunPhase.TERMINATED:
            ensure(wanted(step.state) > 0, "a run that sleeps does not end")
        left = [
            each.id
            for each in self._world.living.values()
            if each.start.incarnation == run.incarnation and not each.told_end
        ]
        ensure(not left, "no run ends before its replicas", left)

    def _it_goes_on(self, state: RunState, step: Step, now: datetime) -> None:
        ensure(step.due is None or step.due > now, "what is due lies ahead", step.due)
        lives = any(not each.phase.is_final for each in state.records)
        waits = wanted(state) == 0 and state.stop is None
        ensure(lives or waits or step.due is not None, "something goes on, or is waited for")


def _is_living(record: ReplicaRecord) -> bool:
    """Whether it starts or runs, and was not told to go; the decisions' own word is not asked."""
    phases = (
        ReplicaPhase.SUBMITTED,
        ReplicaPhase.PROVISIONING,
        ReplicaPhase.PULLING,
        ReplicaPhase.RUNNING,
    )
    return record.phase in phases and record.leave_by is None


def _is_given_up(state: RunState, record: ReplicaRecord) -> bool:
    """It has ended, or is about to; unless that is the first failure of one to be tried again."""
    if record.phase is not ReplicaPhase.TERMINATING:
        return record.phase.is_final
    retry = state.spec.configuration.retry if state.spec else None
    before = {each.num for each in state.retrials}
    is_tried = retry is not None and len(retry.on_events) == len(RetryEvent)
    ends_well = record.reason is EndReason.EXITED
    fresh = record.deployment == state.deployment and record.num not in before
    return not (is_tried and fresh and record.leave_by is None) or ends_well
