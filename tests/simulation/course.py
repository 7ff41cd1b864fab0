"""The course of one seed: days of trouble, and then everybody behaves well."""

from dataclasses import dataclass
from typing import Any

from policy.desired import wanted
from policy.failures import is_retrying
from policy.rollout import outdated
from spec.run import RunState
from spec.scale import ScaleRequest
from tests.simulation.clock import told
from tests.simulation.proxy import Counts, Request
from tests.simulation.run import Run
from tests.simulation.violation import Violation, ensure
from tests.simulation.weather import Image, image_of
from tests.simulation.world import World

HOURS = 72.0

DAY, CALM_HOURS = 24.0, 3.0

RATE = 0.02
"""Requests per second of calm hours: one replica is enough for them, whatever the settings."""

TARGET, WINDOW, DELAY = 0.1, 60, 300
"""Of the settings that are applied at the end."""


class Failed(AssertionError):
    """A seed in which something does not hold: what, when, and what came before."""


@dataclass(frozen=True)
class Report:
    """What a seed had."""

    seed: int
    events: int
    checks: int
    lives: int
    replicas: int
    counts: Counts
    cost: float


def simulated(seed: int, hours: float = HOURS) -> Report:
    """So many hours of trouble, and the end. Raises `Failed`."""
    world: World | None = None
    try:
        world = World(seed)
        play(world, hours)
    except Exception as error:
        if world is None:
            raise
        what = error if isinstance(error, Violation) else f"{type(error).__name__}: {error}"
        raise Failed(
            f"{world.clock.journal()}\n"
            f"seed {seed}, at {told(world.clock.now)}: {what}\n"
            f"Again: python -m tests.simulation --seed {seed} --hours {hours:g}"
        ) from error
    return Report(
        seed=seed,
        events=world.clock.events,
        checks=world.checks.count,
        lives=world.lives,
        replicas=len(world.replicas),
        counts=world.proxies.counts,
        cost=world.cloud.cost,
    )


def play(world: World, hours: float) -> None:
    """Each day ends with some calm hours, in which it has to come to rest; so does the last one."""
    ending = Ending(world)
    while hours > DAY:
        world.clock.run((DAY - CALM_HOURS) * 3600)
        ending.it_rests()
        world.be_troubled()
        hours -= DAY
    world.clock.run(max(0.0, hours - CALM_HOURS) * 3600)
    ending.play()


class Ending:
    """From trouble to nothing: what a run has to come to by itself, step by step."""

    def __init__(self, world: World) -> None:
        self._world = world

    def play(self) -> None:
        """Each step goes on from the one before."""
        self.it_rests()
        self._all_is_wanted_anew()
        self._it_follows_a_steady_load()
        self._a_bad_update_is_undone()
        self._it_sleeps_and_wakes()
        self._nothing_is_left()

    @property
    def run(self) -> Run:
        run = self._world.run
        assert run is not None
        return run

    def it_rests(self) -> None:
        """What lives is ready or was given up, and nothing is left to do."""
        world = self._world
        world.be_calm(RATE)
        world.clock.run(CALM_HOURS * 3600)
        run = world.run
        if run is None:
            ensure(not world.living, "what is over has left nothing", [*world.living])
            ensure(not world.cloud.machines, "no machine is left", world.cloud.machines)
            return
        state = run.state
        if state.stop is None and self._image_of(state) is Image.GOOD:
            self._it_has_come_to_rest(state)
        elif state.stop is None and self._image_of(state) is not Image.FRAGILE:
            undone = state.good is None or state.good.revision == state.deployment
            ensure(undone or not wanted(state), "left alone, a bad update is undone")
            tries = state.scale is None and is_retrying(state)  # in a range, a need begins anew
            ensure(not tries, "left alone, it does not go on trying")

    def _it_has_come_to_rest(self, state: RunState) -> None:
        """A slot of a fixed number stays empty once it was given up; a range has no such slots."""
        world = self._world
        ready = [each for each in state.records if each.ready]
        over = [each for each in state.records if each.phase.is_final]
        given_up = 0 if state.scale else len(over)
        seen = f"{len(ready)} of {wanted(state)}"
        ensure(
            wanted(state) - given_up <= len(ready) <= wanted(state),
            "left alone, it has what it wants",
            seen,
        )
        ensure(len(state.records) == len(ready) + len(over), "nothing else is left", seen)
        ensure(not is_retrying(state), "left alone, it does not go on trying")
        ensure(not outdated(state), "left alone, an update comes to its end")
        ensure(len(world.cloud.machines) == len(ready), "each has its machine", seen)
        if state.override is None and state.scale is not None and state.spec is not None:
            least = state.spec.configuration.replicas.clip(1)
            ensure(wanted(state) == least, "it wants what the load needs", wanted(state))
        held = sum(len(each.held) for each in world.proxies.living)
        ensure(not ready or not held, "nobody waits", held)

    def _image_of(self, state: RunState) -> Image:
        """What is wanted now."""
        name = state.spec.configuration.image if state.spec else None
        return image_of(self._world.seed, int((name or "app:0").partition(":")[2]))

    def _apply(self, image: Image, **asked: Any) -> None:
        people = self._world.people
        people.image += 1
        while image_of(self._world.seed, people.image) is not image:
            people.image += 1
        people.asked |= asked
        people.apply()

    def _all_is_wanted_anew(self) -> None:
        """By whoever is there, or by the next life; retry is on, and no hand is at it."""
        world = self._world
        self._apply(
            Image.GOOD,
            retry=True,
            stop_duration=30,
            max_duration="off",
            replicas="0..1" if world.exclusive else "0..4",
            scaling={
                "metric": "rps",
                "target": TARGET,
                "scale_down_delay": DELAY,
                "window": WINDOW,
            },
        )
        world.clock.run(120)
        if world.run is None:  # it was about to end
            world.people.apply()
            world.clock.run(120)
        self.run.scale(ScaleRequest())

    def _it_follows_a_steady_load(self) -> None:
        world = self._world
        most = 1 if world.exclusive else 3
        for count in (most, 1):
            world.demand.hold((count - 0.5) * TARGET, even=True)
            world.clock.run(DELAY + WINDOW + 1200)
            self._it_has(count)

    def _it_has(self, count: int) -> None:
        state = self.run.state
        ensure(wanted(state) == count, "it wants what the load needs", f"{wanted(state)}, {count}")
        ready = [each for each in state.records if each.ready]
        ensure(len(ready) == count, "it has what it wants", f"{len(ready)} of {count}")
        ensure(len(state.records) == count, "it has nothing else", len(state.records))
        machines = self._world.cloud.machines
        ensure(len(machines) == count, "each has its machine", f"{len(machines)} of {count}")
        held = sum(len(each.held) for each in self._world.proxies.living)
        ensure(not held, "nobody waits", held)

    def _a_bad_update_is_undone(self) -> None:
        good = self.run.state.deployment
        served = self._world.proxies.counts.served
        for image in (Image.BROKEN, Image.SILENT):
            self._apply(image)
            self._world.clock.run(2400)
            state = self.run.state
            ensure(state.deployment == good, "a bad update is undone", state.deployment)
            ensure(state.reverted is not None, "that it was undone is told")
            self._it_has(1)
        ensure(self._world.proxies.counts.served > served, "requests are served meanwhile")

    def _it_sleeps_and_wakes(self) -> None:
        world = self._world
        world.demand.hold(0.0)
        world.clock.run(DELAY + WINDOW + 900)
        self._it_has(0)
        served = world.proxies.counts.served
        request: Request = world.demand.ask()
        world.clock.run(900)
        ensure(
            world.proxies.counts.served == served + 1,
            "a request wakes it, and is served",
            request.tries,
        )

    def _nothing_is_left(self) -> None:
        world, run = self._world, self.run
        run.stop(abort=False)
        world.clock.run(900)
        ensure(run.closed and world.run is None, "it is over")
        ensure(not world.living, "no replica is left", [*world.living])
        ensure(not world.cloud.machines, "no machine is left", world.cloud.machines)
        kept = world.store.count(run.incarnation)
        ensure(
            kept == run.state.decided, "all decisions are kept", f"{kept} of {run.state.decided}"
        )
