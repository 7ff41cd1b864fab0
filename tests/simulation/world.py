"""A world of one service, out of a seed: all that a run meets, in the order of its time."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from policy.reconcile import Step
from spec.deeds import ReplicaStart
from spec.replica import LeaveOrder
from spec.route import RouteTable
from spec.run import RunState
from spec.scale import WatchReport
from tests.simulation.checks import Checks
from tests.simulation.clock import Clock
from tests.simulation.cloud import LULL, Cloud
from tests.simulation.container import Container
from tests.simulation.demand import Demand
from tests.simulation.people import People
from tests.simulation.proxies import Proxies
from tests.simulation.replica import Replica
from tests.simulation.rounds import Rounds
from tests.simulation.run import Run
from tests.simulation.store import Store
from tests.simulation.weather import CALM, Image, Weather, image_of, stream, travel_time, weather_of
from tests.simulation.worker import Worker


class World:
    """It begins with an apply. `tick` is in seconds; `exclusive`: there is room for one replica."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.clock = Clock()
        chance = stream(seed, "world")
        self.calm = False
        self._trouble = weather_of(stream(seed, "weather"))
        self.exclusive = chance.random() < 0.15
        self.tick = chance.choice((10.0, 20.0, 40.0, 60.0))
        self.published: RouteTable | None = None
        self.replicas: dict[str, Replica] = {}
        self.living: dict[str, Replica] = {}
        self.containers: dict[str, Container] = {}
        self.lives = 0
        self.run: Run | None = None
        self.store = Store()
        self.worker = Worker(self.clock)
        self.cloud = Cloud(self.clock, chance, exclusive=self.exclusive)
        self.proxies = Proxies(self, chance.choice((1, 2, 2, 3)), stream(seed, "proxies"))
        self.demand = Demand(self, stream(seed, "demand"))
        self.people = People(self, stream(seed, "people"))
        self.checks = Checks(self)
        self._runs = stream(seed, "run")
        self._fates = stream(seed, "replicas")
        self._faults = stream(seed, "faults")
        self._delays = stream(seed, "delays")
        self.people.begin()
        self.demand.begin()
        self._begin_faults()
        Rounds(self)

    @property
    def weather(self) -> Weather:
        """What can go wrong now. Renewals are no fault, and go on."""
        return replace(CALM, renewal=self._trouble.renewal) if self.calm else self._trouble

    # What its parts ask for

    def image(self, start: ReplicaStart) -> Image:
        """What is in the image of this replica."""
        name = start.spec.configuration.image or "app:0"
        return image_of(self.seed, int(name.partition(":")[2]))

    def new_run(self) -> Run:
        """The next life of the name."""
        self.lives += 1
        self.run = Run(self, f"{self.lives:012x}", self._runs)
        self.clock.note("life {} begins", self.lives)
        return self.run

    def owner(self, incarnation: str) -> Run | None:
        """The run, if it lives and this life is its own."""
        run = self.run
        return run if run is not None and run.incarnation == incarnation else None

    def wake(self, incarnation: str) -> None:
        """A signal to the run of that name."""
        pause = travel_time(self.weather, self._delays)
        self.clock.after(pause, lambda: self._wake(incarnation))

    def _wake(self, incarnation: str) -> None:
        if self.run is not None:
            self.run.wake(incarnation)

    def start_replica(self, replica: str, start: ReplicaStart) -> None:
        self.clock.note("{} starts, {}", replica, start.spec.configuration.image)
        begun = Replica(self, replica, start, self._fates)
        self.replicas[replica] = self.living[replica] = begun
        self.containers[replica] = begun.container

    def order_replica(self, replica: str, order: LeaveOrder) -> bool:
        self.clock.note("{} is to leave: {}", replica, order.reason)
        return self.replicas[replica].leave(order)

    def replica_ended(self, replica: Replica) -> None:
        del self.living[replica.id]

    def heard(self, run: Run, before: RunState) -> None:
        self.checks.heard(run, before)

    def reported(self, run: Run, report: WatchReport) -> None:
        self.clock.note("the load: {} {}", report.verdict.desired, report.verdict.rule)
        self.checks.reported(run, report)

    def decided(self, run: Run, before: RunState, step: Step) -> None:
        for decision in step.state.decisions:
            if decision.number > before.decided:
                self.clock.note("{}", decision.outcome)
        self.checks.decided(run, before, step)

    def ended(self, run: Run) -> None:
        self.clock.note("the run has ended: {}", run.status.status if run.status else "terminated")
        self.run = None
        self.people.after_the_end()

    # What happens to it

    def be_calm(self, rate: float) -> None:
        """From now on nothing fails, nobody wants anything new, and the load is steady."""
        self.calm = self.people.quiet = True
        for place in self.cloud.places:
            place.full = False
        self.demand.hold(rate, even=True)
        self.clock.note("from here on all behave well")

    def be_troubled(self) -> None:
        """As it was before it was calm."""
        self.calm = self.people.quiet = False
        self.demand.begin()
        if self.run is None:
            self.people.after_the_end()
        self.clock.note("from here on anything may happen")

    def _begin_faults(self) -> None:
        chance, weather = self._faults, self._trouble
        kinds: tuple[tuple[float, Callable[[], object]], ...] = (
            (weather.outage, lambda: self.worker.leave(chance.choice((2, 30, 600)))),
            (weather.proxy_loss, lambda: self.proxies.lose(chance.uniform(1, 120))),
            (weather.cut_off, lambda: self.proxies.cut_off(chance.uniform(5, 900))),
            (weather.silent, lambda: self.proxies.silence(chance.choice((5, 300, 3_600)))),
            (weather.lost_watch, self._lose_watch),
        )
        for mean, strike in kinds:
            if mean < inf:
                self._strike_later(mean, strike)
        if weather.full:
            for number in range(len(self.cloud.places)):
                self._fill(number)

    def _strike_later(self, mean: float, strike: Callable[[], object]) -> None:
        def act() -> None:
            if not self.calm:
                strike()
            self._strike_later(mean, strike)

        self.clock.after(self._faults.expovariate(1 / mean), act)

    def _lose_watch(self) -> None:
        if self.run is not None:
            self.run.lose_watch()

    def _fill(self, number: int) -> None:
        """A place is full for a share of the time."""
        share, chance = self._trouble.full, self._faults
        place = self.cloud.places[number]
        place.full = not place.full and not self.calm
        mean = LULL if place.full else LULL * (1 - share) / share
        self.clock.after(chance.expovariate(1 / mean), lambda: self._fill(number))
