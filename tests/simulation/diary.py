"""The diary of a simulated run: a batch at a time, as `workflows/diary.py` keeps it."""

from collections.abc import Callable
from random import Random
from typing import Protocol

from policy.decisions import Shown, is_worth_keeping, shown
from spec.run import RunState
from spec.run_status import RunStatus
from tests.simulation.clock import Clock
from tests.simulation.store import Store
from tests.simulation.weather import Weather
from tests.simulation.worker import Worker


class World(Protocol):
    """What a diary needs of its world."""

    clock: Clock
    worker: Worker
    store: Store

    @property
    def weather(self) -> Weather: ...


class Diary:
    """From one renewal of a run to the next; it calls `news` when a batch is kept."""

    def __init__(
        self, world: World, incarnation: str, chance: Random, news: Callable[[], None]
    ) -> None:
        self.has_news = False
        self._world = world
        self._incarnation = incarnation
        self._chance = chance
        self._news = news
        self._keeping = False
        self._last = 0
        self._shown: Shown | None = None

    def keep(self, state: RunState, status: RunStatus) -> None:
        """Begin to keep what is new, unless something is being kept: then it waits its turn."""
        if not self._keeping and is_worth_keeping(state, status, self._shown):
            self._last, self._shown, self._keeping = state.decided, shown(status), True
            self._write(state, self._kept)

    def _kept(self) -> None:
        self.has_news = True
        self._news()

    def take(self) -> int:
        """The number of the last decision that is kept."""
        self._keeping = self.has_news = False
        return self._last

    def close(self, state: RunState, done: Callable[[], None]) -> None:
        """Keep the rest."""
        self._write(state, done)

    def _write(self, state: RunState, done: Callable[[], None]) -> None:
        """The store may be away for a while."""
        away = self._chance.random() < self._world.weather.store_away
        pause = self._chance.uniform(10, 300) if away else self._chance.uniform(0.01, 0.2)

        def write() -> None:
            self._world.store.keep(self._incarnation, state.decisions)
            done()

        self._world.clock.after(pause, lambda: self._world.worker.soon(write))
