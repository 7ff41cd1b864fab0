"""The run of a simulated world: it drives the decisions as `workflows/run.py` does."""

from collections.abc import Callable
from datetime import datetime
from math import inf
from random import Random
from typing import Protocol

from perdure.errors import NotFound, PerdureError
from policy.admission import apply_refusal, scale_refusal
from policy.decisions import kept
from policy.desired import overridden, watch_order, watched, woken
from policy.reconcile import Action, StartReplica, Step, reconcile
from policy.transitions import answered, applied, lost, new_run, observed, stopped
from policy.views import run_status
from spec.deeds import ReplicaStart
from spec.names import run_id
from spec.replica import LeaveOrder, ReplicaEvent
from spec.route import RouteTable
from spec.run import ApplyRequest, RunState
from spec.run_spec import RunSpec
from spec.run_status import RunStatus
from spec.scale import ScaleRequest, WatchReport
from tests.simulation.clock import Clock, Entry
from tests.simulation.diary import Diary
from tests.simulation.proxies import Proxies
from tests.simulation.store import Store
from tests.simulation.violation import ensure
from tests.simulation.watch import Watch
from tests.simulation.weather import Weather, travel_time
from tests.simulation.worker import Worker

PROJECT, NAME = "main", "web"
GONE = NotFound("It has no workflow.")


class World(Protocol):
    """What a run needs of its world; it is told of each step, for the invariants."""

    clock: Clock
    worker: Worker
    proxies: Proxies
    store: Store
    tick: float

    @property
    def weather(self) -> Weather: ...

    def start_replica(self, replica: str, start: ReplicaStart) -> None: ...

    def order_replica(self, replica: str, order: LeaveOrder) -> bool: ...

    def heard(self, run: "Run", before: RunState) -> None: ...

    def reported(self, run: "Run", report: WatchReport) -> None: ...

    def decided(self, run: "Run", before: RunState, step: Step) -> None: ...

    def ended(self, run: "Run") -> None: ...


class Run:
    """One life of it. `status` is the last that was published, with which it ended."""

    def __init__(self, world: World, incarnation: str, chance: Random) -> None:
        self.incarnation = incarnation
        self.state = new_run(PROJECT, NAME, incarnation, world.clock.moment)
        self.closing = self.closed = False
        self.status: RunStatus | None = None
        self.due: datetime | None = None
        self._world = world
        self._clock = world.clock
        self._chance = chance
        self._inbox: list[Callable[[], None]] = []
        self._task: Entry | None = None
        self._alarm: Entry | None = None
        self._route: RouteTable | None = None
        self._acting = 0
        self._renews_at = inf
        self._remember()

    def _remember(self) -> None:
        """What a renewal forgets: all but the state."""
        self._changed = True
        self._watch: Watch | None = None
        self._watched: int | None = None
        self._report: WatchReport | None = None
        self._diary = Diary(self._world, self.incarnation, self._chance, self._call)
        mean = self._world.weather.renewal
        if mean < inf:
            self._renews_at = self._clock.now + 1000 * self._chance.expovariate(1 / mean)
        else:
            self._renews_at = inf

    # What it is told

    def apply(
        self,
        spec: RunSpec,
        update: str,
        answer: Callable[[PerdureError | None], None],
        *,
        repeated: bool = False,
    ) -> None:
        """The id of the update tells what was asked before, and then it changes nothing."""

        def handle() -> None:
            if answered(self.state, update) is not None:
                return
            refusal = apply_refusal(self.state, ApplyRequest(spec=spec), closing=self.closing)
            if refusal is None:
                ensure(not repeated, "what is asked twice is applied once", update)
                self._set(applied(self.state, spec, update, self._clock.moment))
            answer(refusal)

        self._deliver(handle)

    def scale(self, request: ScaleRequest) -> None:
        def handle() -> None:
            if scale_refusal(self.state, request, closing=self.closing) is None:
                self._set(overridden(self.state, request, self._clock.moment))

        self._deliver(handle)

    def stop(self, *, abort: bool) -> None:
        self._deliver(lambda: self._set(stopped(self.state, self._clock.moment, abort=abort)))

    def hear(self, event: ReplicaEvent) -> None:
        self._deliver(lambda: self._set(observed(self.state, event, self._clock.moment)))

    def wake(self, incarnation: str) -> None:
        self._deliver(lambda: self._set(woken(self.state, incarnation, self._clock.moment)))

    def lose_watch(self) -> None:
        """The attempt of its watch that goes on is lost."""
        if self._watch is not None:
            self._watch.lose()

    def _deliver(self, handle: Callable[[], None]) -> None:
        """A message that came; it is handled with the next task."""
        if not self.closed:
            self._inbox.append(handle)
            self._call()

    def _set(self, state: RunState) -> None:
        before, self.state = self.state, state
        if state != before:
            self._changed = True
            self._world.heard(self, before)

    # What it does

    def _call(self) -> None:
        """A task soon, unless one is on its way."""
        if self._task is None:
            pause = self._chance.uniform(0.002, 0.05)
            self._task = self._clock.after(pause, lambda: self._world.worker.soon(self._work))

    def _work(self) -> None:
        self._task = None
        if self.closed:
            return
        inbox, self._inbox = self._inbox, []
        for handle in inbox:
            handle()
        if self._acting or self.closing:
            return
        if self._changed or self._report is not None or self._diary.has_news or self._must_renew:
            self._take_in()
            self._decide()
        else:
            self._set_alarm()

    @property
    def _must_renew(self) -> bool:
        return self._clock.now >= self._renews_at

    def _take_in(self) -> None:
        report, self._report = self._report, None
        if report is not None:
            self._watch = None
            self._world.reported(self, report)
            self._set(watched(self.state, report, self._clock.moment))
        if self._diary.has_news:
            self.state = kept(self.state, self._diary.take())

    def _decide(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        before = self.state
        step = reconcile(before, self._clock.moment)
        self.state, self.due, self._changed = step.state, step.due, step.unfinished
        self._follow()
        status = run_status(self.state, step.ended)
        self._world.decided(self, before, step)
        if step.ended is not None:
            self._close(status)
            return
        self._publish(status)
        self._acting = len(step.actions)
        for action in step.actions:
            self._carry_out(action)
        if not step.actions:
            self._rest()

    def _rest(self) -> None:
        """All is carried out: until the next news."""
        assert self.status is not None
        self._diary.keep(self.state, self.status)
        if self._must_renew and not self._changed:
            self._renew()
        if self._changed or self._inbox or self._report is not None or self._diary.has_news:
            self._call()
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        if self.due is not None:
            self._alarm = self._clock.at_moment(
                self.due, lambda: self._world.worker.soon(self._ring)
            )

    def _ring(self) -> None:
        if not self.closed:
            self._changed = True
            self._call()

    def _follow(self) -> None:
        """Watch as this state wants it, or not at all."""
        order = watch_order(self.state)
        number = order.number if order else None
        if number == self._watched:
            return
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._watched, self._report = number, None
        if order is not None:
            self._watch = Watch(self._world, order, self._chance, self._watch_tells(number))

    def _watch_tells(self, number: int | None) -> Callable[[WatchReport], None]:
        def tell(report: WatchReport) -> None:
            if not self.closed and number == self._watched:
                self._report = report
                self._call()

        return tell

    def _publish(self, status: RunStatus) -> None:
        self.status = status
        if self._route != self.state.route:
            self._route = self.state.route
            self._world.proxies.publish(self._route)

    def _carry_out(self, action: Action) -> None:
        """A start, or a signal: by the server, which takes a moment."""
        pause = travel_time(self._world.weather, self._chance)
        if isinstance(action, StartReplica):
            state = self.state
            assert state.spec is not None
            start = ReplicaStart(
                owner=run_id(state.project, state.name),
                project=state.project,
                run=state.name,
                incarnation=state.incarnation,
                num=action.record.num,
                deployment=action.record.deployment,
                spec=state.spec,
                elastic=state.elastic,
            )
            replica = action.record.id
            self._clock.after(pause, lambda: self._started(replica, start))
        else:
            order, told = action.order, action.replica
            self._clock.after(pause, lambda: self._ordered(told, order))

    def _started(self, replica: str, start: ReplicaStart) -> None:
        self._world.start_replica(replica, start)
        self._world.worker.soon(self._acted)

    def _ordered(self, replica: str, order: LeaveOrder) -> None:
        known = self._world.order_replica(replica, order)
        self._world.worker.soon(lambda: self._acted(None if known else replica))

    def _acted(self, told_nothing: str | None = None) -> None:
        if self.closed:
            return
        if told_nothing is not None:
            self._set(lost(self.state, told_nothing, GONE, self._clock.moment))
        self._acting -= 1
        if not self._acting:
            self._rest()

    # Its memory

    def _renew(self) -> None:
        """Continue as new: only the state goes on, by way of JSON."""
        self._clock.note("the run is renewed")
        if self._watch is not None:
            self._watch.close()
        self.state = RunState.model_validate_json(self.state.model_dump_json())
        self._remember()

    def _close(self, ended: RunStatus) -> None:
        """What is left is kept, and what was sealed forgotten; then it is over."""
        self.closing = True
        if self._watch is not None:
            self._watch.close()
        self._diary.close(self.state, lambda: self._end(ended))

    def _end(self, ended: RunStatus | None) -> None:
        self.status = ended
        self.closed = True
        for entry in (self._task, self._alarm):
            if entry is not None:
                entry.cancel()
        self._world.proxies.publish(None)
        self._world.ended(self)

    def terminate(self) -> None:
        """An operator ends its workflow, without a word to anybody."""
        if self._watch is not None:
            self._watch.close()
        self._end(None)
