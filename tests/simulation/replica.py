"""A replica of a simulated world: the steps of `workflows/replica.py`, and what may go wrong."""

from collections.abc import Generator
from random import Random
from typing import Any, Protocol

from engine import ids
from perdure import errors
from policy.drain import grace, waiting_for
from policy.ending import Ending, ending_of_error, ending_of_exit, ending_unhealthy
from spec.deeds import DrainOrder, ReplicaStart
from spec.job import JobPhase, JobState
from spec.replica import LeaveOrder, Placement, ReplicaEvent
from spec.status import EndReason, Health, ReplicaPhase
from tests.simulation.clock import Clock
from tests.simulation.cloud import Cloud, Place
from tests.simulation.container import Container
from tests.simulation.proxies import Proxies
from tests.simulation.run import Run
from tests.simulation.violation import ensure
from tests.simulation.weather import Image, Loss, Weather, travel_time
from tests.simulation.worker import Course, Process, Worker

OWNER_CHECK = 300.0
"""Seconds between two looks whether the run still lives."""

READY_TIMEOUT = 900.0
"""Seconds in which a replica must be ready."""

UNHEALTHY = 300.0
"""Seconds for which probes may fail."""

Doing = Generator[float, None, Ending]


class World(Protocol):
    """What a replica needs of its world. `chance` is that of all replicas."""

    clock: Clock
    worker: Worker
    cloud: Cloud
    proxies: Proxies
    run: Run | None

    @property
    def weather(self) -> Weather: ...

    def image(self, start: ReplicaStart) -> Image: ...

    def owner(self, incarnation: str) -> Run | None: ...

    def replica_ended(self, replica: "Replica") -> None: ...


class Told(Exception):
    """It has to leave."""


class Failed(Exception):
    """A step has failed for good."""

    def __init__(self, error: errors.PerdureError) -> None:
        super().__init__(error.message)
        self.error = error


class Replica:
    """One container from offer to release.

    It is `over` once it has only to go, and its run was `told_end` before it has `ended`.
    """

    def __init__(self, world: World, replica: str, start: ReplicaStart, chance: Random) -> None:
        self.id = replica
        self.start = start
        self.told_end = self.ended = False
        self.ended_at = 0
        self.order: LeaveOrder | None = None
        self.leaving = False
        self._world = world
        self._clock = world.clock
        self._chance = chance
        self._image = world.image(start)
        self.container = Container(world, replica, self._image, chance)
        self._created: dict[str, str] = {}
        self._placement: Placement | None = None
        self._ready = False
        self._contained = False
        self.health: Health | None = Health.STARTING
        self._shielded = self.over = False
        self._process = Process(world.clock, world.worker, self._live())

    def leave(self, order: LeaveOrder) -> bool:
        """A signal; False when it has ended. A second order counts when it is sooner."""
        if self.ended:
            return False
        if self.order is None or order.deadline < self.order.deadline:
            self.order = order
        if not self.leaving and not self.over:
            self.leaving = True
            if not self._shielded:
                self._process.interrupt(Told())
        return True

    def _live(self) -> Course:
        try:
            end = yield from self._serve()
        except Told:
            end = self._sent_away()
        except Failed as failed:
            end = self._sent_away() if self.leaving else ending_of_error(failed.error)
        self.over = True
        if self.leaving and self._ready:
            yield from self._drain()
        yield from self._signal(self._event(ReplicaPhase.TERMINATING, ending=end))
        if self._contained:
            yield from self._halt()
        for token in self._created:
            yield self._chance.uniform(0.1, 5)
            while self._world.cloud.release(token):
                yield 0.1
        self._clock.note("{} has ended: {}", self.id, end.reason)
        yield from self._signal(self._event(end.phase, ending=end))
        self.ended, self.ended_at = True, self._clock.now
        self._world.replica_ended(self)

    def _sent_away(self) -> Ending:
        return Ending(reason=self.order.reason if self.order else EndReason.OWNER_GONE)

    # Serving

    def _serve(self) -> Doing:
        chance = self._chance
        yield chance.uniform(0.05, 2)  # the search for offers
        place = yield from self._shield(self._provision())
        self._placement = place.placement
        yield from self._tell(ReplicaPhase.PULLING)
        yield chance.uniform(0.5, 60)
        if self._image is Image.MISSING:
            raise Failed(errors.ImagePullFailed("There is no such image."))
        yield from self._shield(self._start_container())
        yield from self._tell(ReplicaPhase.RUNNING)
        ended = yield from self._become_ready()
        if ended is not None:
            return ended
        self._ready = True
        self.health = Health.HEALTHY
        address = f"tcp://10.0.0.1:{self.start.num + 1000}"
        alive = yield from self._tell(ReplicaPhase.RUNNING, ready=True, address=address)
        if not alive:
            return Ending(reason=EndReason.OWNER_GONE)
        return (yield from self._watch())

    def _provision(self) -> Generator[float, None, Place]:
        """Each place in turn; an answer that was lost is asked for again, by the same token."""
        world, chance = self._world, self._chance
        for attempt, place in enumerate(world.cloud.places):
            token = ids.token(self.id, place.name, attempt)
            self._created[token] = place.name
            self._placement = place.placement
            yield from self._signal(self._event(ReplicaPhase.PROVISIONING))
            if self.leaving:
                raise Told
            for _ in range(8):
                machine = world.cloud.create(token, self.id, place)
                slow = chance.random() < world.weather.slow_boot
                yield chance.uniform(300, 1_500) if slow and machine else chance.uniform(1, 60)
                if chance.random() >= world.weather.lost_answer:
                    break
                self._clock.note("{} does not hear what became of its machine", self.id)
            else:
                raise Failed(errors.InstanceUnreachable("The cloud does not answer."))
            if machine is not None:
                return place
        raise Failed(errors.NoCapacity("All places are full."))

    def _start_container(self) -> Generator[float, None, None]:
        """The engine may be away for a while, or for too long."""
        for _ in range(8):
            yield self._chance.uniform(0.2, 5)
            if self._chance.random() >= self._world.weather.engine_away:
                self._contained = True
                return
            yield self._chance.uniform(5, 60)
        raise Failed(errors.InstanceUnreachable("The engine does not answer."))

    def _become_ready(self) -> Generator[float, None, Ending | None]:
        if self._image is Image.BROKEN:
            yield self._chance.uniform(0.5, 30)
            return self._exited(3)
        if self._image is Image.SILENT:
            yield READY_TIMEOUT
            raise Failed(errors.NotReadyInTime("It does not answer."))
        yield self._chance.uniform(1, 90)
        self.container.listen()
        return None

    def _watch(self) -> Doing:
        """Until it is lost, or its run is. The owner is looked at now and then."""
        container = self.container
        while True:
            look = self._chance.uniform(0.9, 1.1) * OWNER_CHECK
            yield max(0.0, min(look, container.time_left))
            if self._world.owner(self.start.incarnation) is None:
                return Ending(reason=EndReason.OWNER_GONE)
            loss, container.lost = container.lost, None
            ending = (yield from self._lose(loss)) if loss else None
            if ending is not None:
                return ending
            container.draw_fate()

    def _lose(self, loss: Loss) -> Generator[float, None, Ending | None]:
        if loss is Loss.UNHEALTHY:
            return (yield from self._be_unhealthy())
        if loss is not Loss.INTERRUPTION:
            return self._exited(1 if loss is Loss.CRASH else 0)
        self._contained = False
        if self._chance.random() < 0.5:
            return Ending(reason=EndReason.INTERRUPTED, detail="It was needed elsewhere.")
        return ending_of_error(errors.InstanceUnreachable("The machine is gone."))

    def _be_unhealthy(self) -> Generator[float, None, Ending | None]:
        """Its probes fail for a while, or for too long. What it has in flight goes on."""
        self.health = Health.UNHEALTHY
        alive = yield from self._tell(ReplicaPhase.RUNNING, detail="The probe fails.")
        if not alive:
            return Ending(reason=EndReason.OWNER_GONE)
        pause = self._chance.uniform(10, 1.5 * UNHEALTHY)
        yield min(pause, UNHEALTHY)
        if pause >= UNHEALTHY:
            return ending_unhealthy("The probe failed for too long.", self.start.run)
        self.health = Health.HEALTHY
        alive = yield from self._tell(ReplicaPhase.RUNNING, ready=True)
        return None if alive else Ending(reason=EndReason.OWNER_GONE)

    def _exited(self, code: int) -> Ending:
        return ending_of_exit(JobState(phase=JobPhase.EXITED, exit_code=code), self.start.run)

    # Leaving

    def _drain(self) -> Course:
        """Until the proxies have let go, or the deadline, or that of a sooner order."""
        start = self.start
        while self.order is not None and self.order.deadline > self._clock.moment:
            order = DrainOrder(
                project=start.project,
                run=start.run,
                incarnation=start.incarnation,
                replica=self.id,
                route_version=self.order.route_version,
                deadline=self.order.deadline,
            )
            if not waiting_for(order, self._world.proxies.told()):
                self.container.let_go = True
                return
            left = (self.order.deadline - self._clock.moment).total_seconds()
            yield min(1.0, left)

    def _halt(self) -> Course:
        """SIGTERM: it finishes what it has within its grace, then it is killed."""
        order, container = self.order, self.container
        if order is not None and self.leaving and container.requests:
            early = (order.deadline - self._clock.moment).total_seconds()
            ensure(
                early <= 0,
                "a replica is stopped only once it has drained, or at its deadline",
                f"{self.id} has {len(container.requests)} requests and {early:.0f} s",
            )
        container.serves = False
        killed_at = self._clock.now + grace(order, self._clock.moment) * 1000
        while container.requests and self._clock.now < killed_at:
            yield 1.0
            if self.order is not order:
                sooner = self._clock.now + grace(self.order, self._clock.moment) * 1000
                order, killed_at = self.order, min(killed_at, sooner)
        container.break_down()
        self._contained = False
        yield self._chance.uniform(0.1, 1)

    # Telling

    def _shield(self, doing: Generator[float, None, object]) -> Generator[float, None, Any]:
        """An order does not cut this; it is heard once it is done."""
        self._shielded = True
        try:
            done = yield from doing
        finally:
            self._shielded = False
        if self.leaving:
            raise Told
        return done

    def _tell(
        self, phase: ReplicaPhase, *, ready: bool = False, address: str = "", detail: str = ""
    ) -> Generator[float, None, bool]:
        event = self._event(phase, ready=ready, address=address, detail=detail)
        alive: bool = yield from self._shield(self._signal(event))
        return alive

    def _signal(self, event: ReplicaEvent) -> Generator[float, None, bool]:
        """By the run's name: whoever lives of that name hears it. In the order of its sender."""
        yield travel_time(self._world.weather, self._chance)
        run = self._world.run
        self.told_end = event.phase.is_final
        if run is None or run.closed:
            return False
        run.hear(event)
        yield self._chance.uniform(0.005, 0.1)
        return True

    def _event(
        self,
        phase: ReplicaPhase,
        *,
        ready: bool = False,
        address: str = "",
        detail: str = "",
        ending: Ending | None = None,
    ) -> ReplicaEvent:
        return ReplicaEvent(
            incarnation=self.start.incarnation,
            replica=self.id,
            phase=phase,
            ready=ready,
            address=address,
            placement=self._placement,
            reason=ending.reason if ending else None,
            exit_code=ending.exit_code if ending else None,
            code=ending.code if ending else "",
            detail=ending.detail if ending else detail,
            hint=ending.hint if ending else "",
            health=self.health,
        )
