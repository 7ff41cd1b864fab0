"""The watch of a run's load, as `activities/watches.py` and its board do it."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Protocol

from activities.load_board import figures_of
from policy.load import begun, found, is_quiet, taken_in
from spec.load import Figures, WatchMemory
from spec.scale import WatchOrder, WatchReport
from tests.simulation.clock import Clock
from tests.simulation.proxies import Proxies
from tests.simulation.proxy import SERVICE
from tests.simulation.worker import Worker

BEAT = 10.0
"""Seconds between two heartbeats: what was seen since the last one, a lost watch has not seen."""

TAKEOVER = 30.0
"""Seconds until a watch whose worker died is begun anew."""


class World(Protocol):
    """What a watch needs of its world. `tick` is in seconds."""

    clock: Clock
    worker: Worker
    proxies: Proxies
    tick: float


class Watch:
    """One deed, over all of its attempts. It calls `tell` once, unless it is closed before.

    While nothing changes it waits for the proxies to tell of a change, on the grid of its ticks.
    """

    def __init__(
        self, world: World, order: WatchOrder, chance: Random, tell: Callable[[WatchReport], None]
    ) -> None:
        self._world = world
        self._order = order
        self._chance = chance
        self._tell = tell
        self._closed = False
        self._beaten: WatchMemory | None = None
        self._beaten_at = world.clock.now
        self._attempt = 0
        self._life = -1
        self._begin(1, None)

    def close(self) -> None:
        """Nobody waits for it any more."""
        self._closed = True
        self._world.proxies.listeners.pop(self._look_soon, None)

    def lose(self) -> None:
        """This attempt is lost; the next begins with what was beaten last, if anything was."""
        if self._closed:
            return
        self._world.proxies.listeners.pop(self._look_soon, None)
        self._attempt += 1
        attempt, beaten = self._attempt, self._beaten
        pause = self._chance.uniform(1, TAKEOVER)
        worker = self._world.worker
        self._world.clock.after(pause, lambda: worker.soon(lambda: self._begin(attempt, beaten)))

    def _begin(self, attempt: int, recalled: WatchMemory | None) -> None:
        if self._closed or (self._attempt and attempt != self._attempt):
            return
        self._attempt = attempt
        self._memory = recalled or begun(self._order, self._world.clock.moment)
        self._last: Figures | None = None
        self._since: datetime | None = None
        self._life = self._world.worker.lives
        self._tick_at(attempt)

    def _tick_at(self, attempt: int) -> None:
        self._world.clock.after(self._world.tick, lambda: self._look(attempt))

    def _look(self, attempt: int) -> None:
        if self._closed or attempt != self._attempt:
            return
        world = self._world
        if world.worker.lives != self._life:
            self.lose()
            return
        figures = figures_of(SERVICE, world.proxies.told(), world.clock.moment)
        if self._last is not None and figures.is_like(self._last):
            self._since = figures.at
            self._wait()
            return
        self._hear(figures.model_copy(update={"since": self._since}))

    def _hear(self, figures: Figures) -> None:
        world, order = self._world, self._order
        self._memory = taken_in(self._memory, figures, order)
        if world.clock.now - self._beaten_at >= BEAT * 1000:
            self._beaten, self._beaten_at = self._memory, world.clock.now
        verdict = found(self._memory, figures, order)
        if verdict is not None:
            report = WatchReport(
                number=order.number,
                at=figures.at,
                verdict=verdict,
                memory=self._memory,
                in_flight=figures.in_flight,
            )
            self.close()
            self._tell(report)
        elif is_quiet(self._memory, figures, order):
            self._last, self._since = figures, None
            self._wait()
        else:
            self._last = self._since = None
            self._tick_at(self._attempt)

    def _wait(self) -> None:
        self._quiet_since = self._world.clock.now
        self._beaten = self._memory  # it beats on while it waits
        self._world.proxies.listeners[self._look_soon] = None

    def _look_soon(self) -> None:
        """Something has changed: it is seen at the next tick. Until the last one nothing had."""
        world = self._world
        del world.proxies.listeners[self._look_soon]
        tick = round(world.tick * 1000)
        passed = (world.clock.now - self._quiet_since) // tick
        if passed:
            last = self._quiet_since + passed * tick
            self._since = world.clock.moment_of(last)
        attempt = self._attempt
        world.clock.at(self._quiet_since + (passed + 1) * tick, lambda: self._look(attempt))
