"""A run that scales, retries and updates itself, and whatever may happen to it."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from policy.desired import overridden, wanted, watched, woken
from policy.reconcile import Step, reconcile
from policy.transitions import applied, observed, stopped
from spec.load import WatchMemory
from spec.replica import Placement, ReplicaRecord
from spec.run import RunState
from spec.run_spec import RunSpec
from spec.scale import ScaleRequest, ScalingRule, Verdict, WatchReport
from spec.scaling import ReplicaRange
from spec.status import EndReason, ReplicaPhase
from tests.policy.making import LIFE, NOW, event, run, spec

FAILURES = [reason for reason in EndReason if reason.phase is ReplicaPhase.FAILED]

ranges = st.tuples(st.integers(0, 2), st.integers(1, 3)).map(lambda each: (each[0], sum(each)))
"""The least and the most of a range, which differ."""


def place(*, exclusive: bool) -> Placement:
    """A machine; an exclusive one has room for one replica of a run."""
    return Placement(
        backend="local", region="here", instance_type="m", resources="4xCPU", exclusive=exclusive
    )


def living(state: RunState) -> list[ReplicaRecord]:
    """Those that start or run, and were not told to go."""
    return [
        each
        for each in state.records
        if each.phase.is_starting or each.phase is ReplicaPhase.RUNNING
    ]


class Surroundings(RuleBasedStateMachine):
    """What happens to a run; after each event, or after several, it reconciles."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.exclusive = False
        self.asked: dict[str, Any] = {}
        self.images = 0
        self.state = run()
        self.before = self.state
        self.step = Step(state=self.state)
        self.served = False
        """Whether a replica was ready since none was wanted."""

    @initialize(exclusive=st.booleans(), retry=st.booleans(), replicas=st.integers(0, 3) | ranges)
    def it_is_applied_first(
        self, exclusive: bool, retry: bool, replicas: int | tuple[int, int]
    ) -> None:
        self.exclusive = exclusive
        self.asked = {"retry": retry, **self.sized(replicas)}
        self.apply()
        self.reconcile()

    def sized(self, replicas: int | tuple[int, int]) -> dict[str, Any]:
        """Where two cannot run beside each other, plans refuse more than one to begin with."""
        if isinstance(replicas, int):
            return {"replicas": min(1, replicas) if self.exclusive else replicas, "scaling": None}
        low, high = replicas
        low = min(1, low) if self.exclusive else low
        return {"replicas": f"{low}..{high}", "scaling": {"metric": "rps", "target": 1}}

    @property
    def spec(self) -> RunSpec:
        return spec(image=f"app:{self.images}", **self.asked)

    @property
    def within(self) -> ReplicaRange | None:
        """The range of the configuration that counts, if it has one."""
        asked = self.state.spec.scaling if self.state.spec else None
        return asked.replicas if asked else None

    def apply(self) -> None:
        self.state = applied(self.state, self.spec, f"u{self.state.revision}", self.now)

    def hear(self, replica: str, **values: object) -> None:
        """News as a replica tells them: where it is, from when it knows."""
        news = event(replica, **values)
        if news.phase is not ReplicaPhase.SUBMITTED:
            news = news.model_copy(update={"placement": place(exclusive=self.exclusive)})
        self.state = observed(self.state, news, self.now)
        self.served = self.served or any(each.ready for each in self.state.records)

    def reconcile(self) -> None:
        """Decide; `before` is what the decision saw."""
        if self.step.ended is not None:
            return
        self.before = self.state
        self.step = reconcile(self.state, self.now)
        self.state = self.step.state
        self.served = self.served and wanted(self.state) > 0

    @property
    def lives(self) -> bool:
        return self.step.ended is None

    @precondition(lambda self: self.lives and self.state.stop is None)
    @rule(
        replicas=st.none() | st.integers(0, 3) | ranges,
        retry=st.none() | st.booleans(),
        stop_duration=st.sampled_from([None, 0, 60]),
        max_duration=st.sampled_from(["off", "2h"]),
    )
    def something_is_applied_in_place(
        self,
        replicas: int | tuple[int, int] | None,
        retry: bool | None,
        stop_duration: int | None,
        max_duration: str,
    ) -> None:
        self.asked |= {} if replicas is None else self.sized(replicas)
        self.asked |= {} if retry is None else {"retry": retry}
        self.asked |= {} if stop_duration is None else {"stop_duration": stop_duration}
        self.asked |= {"max_duration": max_duration}
        self.apply()

    @precondition(lambda self: self.lives and self.state.stop is None)
    @rule(back=st.booleans())
    def another_image_is_applied(self, back: bool) -> None:
        self.images = max(0, self.images + (-1 if back else 1))
        self.apply()

    @precondition(lambda self: self.lives)
    @rule(abort=st.booleans())
    def it_is_stopped(self, abort: bool) -> None:
        self.state = stopped(self.state, self.now, abort=abort)

    @precondition(lambda self: self.lives and self.state.scale is not None)
    @rule(data=st.data(), age=st.integers(0, 2))
    def a_watch_reports(self, data: st.DataObject, age: int) -> None:
        scale, asked = self.state.scale, self.within
        assert scale is not None
        assert asked is not None
        low, high = (asked.min, asked.max) if age == 0 else (0, 9)
        desired = data.draw(st.integers(low, high))
        verdict = Verdict(
            desired=desired, rule=ScalingRule.UP, need=desired, highest=desired, rps=1, busy=0
        )
        in_flight = {each.id: each.num % 2 for each in self.state.records}
        report = WatchReport(
            number=scale.watch - age,
            at=self.now,
            verdict=verdict,
            memory=WatchMemory(),
            in_flight=in_flight,
        )
        before = self.state
        self.state = watched(self.state, report, self.now)
        proven = any(each.ready for each in before.records) or self.served
        assert wanted(self.state) > 0 or wanted(before) == 0 or proven

    @precondition(lambda self: self.lives)
    @rule(mine=st.booleans())
    def a_request_waits(self, mine: bool) -> None:
        self.state = woken(self.state, LIFE if mine else "f" * 12, self.now)

    @precondition(lambda self: self.lives and self.state.stop is None)
    @rule(replicas=st.none() | st.integers(0, 3), seconds=st.sampled_from([None, 1, 30, 3_600]))
    def somebody_sets_the_number(self, replicas: int | None, seconds: int | None) -> None:
        if replicas is not None and self.exclusive:
            replicas = min(replicas, 1)
        request = ScaleRequest(replicas=replicas, seconds=None if replicas is None else seconds)
        self.state = overridden(self.state, request, self.now)

    @precondition(lambda self: self.lives and self.state.records)
    @rule(data=st.data())
    def a_replica_comes_along(self, data: st.DataObject) -> None:
        teller = data.draw(st.sampled_from(self.state.records))
        steps = ["provisioning", "pulling", "running", "ready", "ready"]
        self.tell(teller, data.draw(st.sampled_from(steps)))

    @precondition(lambda self: self.lives)
    @rule(leavers=st.booleans())
    def all_that_start_are_ready(self, leavers: bool) -> None:
        """And, perhaps, all that leave are gone."""
        for each in living(self.state):
            self.tell(each, "ready")
        for each in [each for each in self.state.records if leavers and each.leave_by]:
            self.hear(each.id, phase="terminated", reason="scaled down")
        self.reconcile()

    def tell(self, teller: ReplicaRecord, step: str) -> None:
        if step == "ready":
            address = f"tcp://10.0.0.{teller.num}:80"
            self.hear(teller.id, phase="running", ready=True, address=address)
        else:
            self.hear(teller.id, phase=step)

    @precondition(lambda self: self.lives and self.state.records)
    @rule(data=st.data(), reason=st.sampled_from(FAILURES), finally_=st.booleans())
    def a_replica_fails(self, data: st.DataObject, reason: EndReason, finally_: bool) -> None:
        teller = data.draw(st.sampled_from(self.state.records))
        phase = reason.phase if finally_ else ReplicaPhase.TERMINATING
        self.hear(teller.id, phase=phase, reason=reason)

    @precondition(lambda self: self.lives and self.state.records)
    @rule(data=st.data())
    def a_replica_exits_without_an_error(self, data: st.DataObject) -> None:
        teller = data.draw(st.sampled_from(self.state.records))
        self.hear(teller.id, phase="done", reason="process exited 0", exit_code=0)

    @precondition(lambda self: self.lives and any(r.leave_by for r in self.state.records))
    @rule(data=st.data())
    def a_replica_that_leaves_is_gone(self, data: st.DataObject) -> None:
        leaving = [each for each in self.state.records if each.leave_by]
        self.hear(data.draw(st.sampled_from(leaving)).id, phase="terminated", reason="scaled down")

    @precondition(lambda self: self.lives)
    @rule(seconds=st.integers(0, 900))
    def time_passes(self, seconds: int) -> None:
        """Not beyond what is due: then it would have decided."""
        later = self.now + timedelta(seconds=seconds)
        self.now = min(filter(None, (later, self.step.due)))

    @precondition(lambda self: self.lives and self.step.due is not None)
    @rule()
    def what_was_due_comes(self) -> None:
        assert self.step.due is not None
        self.now = max(self.now, self.step.due)
        self.reconcile()

    @rule()
    def it_decides(self) -> None:
        self.reconcile()
