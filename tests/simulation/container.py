"""A container of a simulated world: what proxies reach, and what becomes of it by itself."""

from math import inf
from random import Random
from typing import Protocol

from tests.simulation.clock import Clock
from tests.simulation.cloud import Cloud
from tests.simulation.proxy import Proxy, Request
from tests.simulation.weather import Image, Loss, Weather


class World(Protocol):
    """What a container needs of its world."""

    clock: Clock
    cloud: Cloud

    @property
    def weather(self) -> Weather: ...


class Container:
    """That of one replica. `lost` is what has happened to it, until whoever watches it took that.

    It `serves` while it runs and listens. `let_go`: all proxies have acknowledged that they send
    nothing to it any more.
    """

    def __init__(self, world: World, replica: str, image: Image, chance: Random) -> None:
        self.id = replica
        self.serves = self.let_go = False
        self.requests: dict[Request, Proxy] = {}
        self.lost: Loss | None = None
        self._world = world
        self._image = image
        self._chance = chance
        self._doomed_at: int | None = None

    def listen(self) -> None:
        """It is ready, and the world can befall it."""
        self.serves = True
        self.draw_fate()

    def draw_fate(self) -> None:
        """Of what will happen to it, and when; unless that is drawn already."""
        chance, mean = self._chance, self._world.weather.loss
        if self._doomed_at is not None:
            return
        loss, seconds = chance.choice(tuple(Loss)), inf
        if self._image is Image.FRAGILE:
            loss, seconds = Loss.CRASH, chance.uniform(20, 1_200)
        elif mean < inf:
            seconds = chance.expovariate(1 / mean)
        if seconds < inf:
            clock = self._world.clock
            self._doomed_at = clock.now + round(seconds * 1000)
            clock.at(self._doomed_at, lambda: self._meet(loss))

    @property
    def time_left(self) -> float:
        """Seconds until its fate; infinite where none is drawn."""
        if self._doomed_at is None:
            return inf
        return (self._doomed_at - self._world.clock.now) / 1000

    def _meet(self, loss: Loss) -> None:
        """It happens, unless it has left before, or the weather is better than it was."""
        self._doomed_at = None
        calm = self._world.weather.loss == inf and self._image is not Image.FRAGILE
        if calm or not self.serves:
            return
        self._world.clock.note("{}: {}", self.id, loss)
        self.lost = loss
        if loss is not Loss.UNHEALTHY:
            self.break_down()
        if loss is Loss.INTERRUPTION:
            self._world.cloud.take_away(self.id)

    def break_down(self) -> None:
        """It does not serve any more, and what it had in flight is cut."""
        self.serves = False
        for request, proxy in tuple(self.requests.items()):
            proxy.cut(request)
