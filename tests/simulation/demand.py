"""The load of a simulated world: days and nights, bursts, and silence."""

from random import Random
from typing import Protocol

from tests.simulation.clock import Clock
from tests.simulation.proxies import Proxies
from tests.simulation.proxy import Request

RATES = (0.0, 0.0, 0.0, 0.005, 0.02, 0.05, 0.2)
"""Requests per second of the parts of a day, the nights first."""

LONG = 0.01
"""The share of requests that take much longer than others: streams, WebSockets."""


class World(Protocol):
    """What a load needs of its world."""

    clock: Clock
    proxies: Proxies


class Demand:
    """Requests arrive at random, at a rate that holds for a while; `service` seconds each."""

    def __init__(self, world: World, chance: Random) -> None:
        self.service = chance.choice((0.3, 2.0, 10.0))
        self._world = world
        self._chance = chance
        self._rate = 0.0
        self._part = 0
        self._even = False

    def begin(self) -> None:
        """The first part of the first day."""
        chance = self._chance
        day = (self._world.clock.now // 3_600_000) % 24
        rates = RATES[:4] if day < 7 else RATES
        burst = chance.random() < 0.06
        rate = 2.0 if burst else chance.choice(rates)
        seconds = chance.uniform(20, 120) if burst else chance.uniform(300, 7_200)
        self.hold(rate)
        part = self._part
        self._world.clock.after(seconds, lambda: self._next(part))

    def hold(self, rate: float, *, even: bool = False) -> None:
        """From now on at this rate; `even`: one after the other, all alike."""
        self._rate, self._even = rate, even
        self._part += 1
        self._wait(self._part)

    def ask(self) -> Request:
        """One request now."""
        chance, mean = self._chance, self.service
        seconds = mean if self._even else chance.expovariate(1 / mean)
        if not self._even and chance.random() < LONG:
            seconds = chance.uniform(60, 1_200)
        request = Request(self._world.clock.now, seconds)
        self._world.proxies.take(request)
        return request

    def _next(self, part: int) -> None:
        if part == self._part:
            self.begin()

    def _wait(self, part: int) -> None:
        if self._rate:
            pause = 1 / self._rate if self._even else self._chance.expovariate(self._rate)
            self._world.clock.after(pause, lambda: self._arrive(part))

    def _arrive(self, part: int) -> None:
        if part == self._part:
            self.ask()
            self._wait(part)
