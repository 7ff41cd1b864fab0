"""The backend of a simulated world: it counts what exists."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from spec.replica import Placement
from tests.simulation.clock import Clock
from tests.simulation.violation import ensure

LULL = 1_800.0
"""Seconds that a place is full, in the mean."""


class Machine(NamedTuple):
    """An instance: what it was made for, by which token, where and when."""

    token: str
    replica: str
    place: str
    since: int
    price: float


@dataclass
class Place:
    """Somewhere machines are to be had, or not."""

    placement: Placement
    full: bool = False

    @property
    def name(self) -> str:
        return f"{self.placement.backend}/{self.placement.region}"


class Cloud:
    """Finds by token, else creates: as backends promise it."""

    def __init__(self, clock: Clock, chance: Random, *, exclusive: bool) -> None:
        self.machines: dict[str, Machine] = {}
        self.created = 0
        self.cost = 0.0
        self._clock = clock
        count = 1 if exclusive else chance.randint(1, 3)
        self.places = [
            Place(
                Placement(
                    backend="local",
                    region=f"region-{number}",
                    instance_type="m4",
                    resources="4xCPU, 16GB",
                    price=0.5 + number / 4,
                    exclusive=exclusive,
                )
            )
            for number in range(count)
        ]

    def create(self, token: str, replica: str, place: Place) -> Machine | None:
        """The machine of this token; None when there is none to be had."""
        known = self.machines.get(token)
        if known is not None:
            return known
        if place.full:
            return None
        price = place.placement.price or 0.0
        machine = Machine(token, replica, place.name, self._clock.now, price)
        others = [each.token for each in self.machines.values() if each.replica == replica]
        ensure(not others, "no replica has two machines", f"{replica} has {others} and {token}")
        self.machines[token] = machine
        self.created += 1
        return machine

    def release(self, token: str) -> bool:
        """Whether there was one."""
        machine = self.machines.pop(token, None)
        if machine is None:
            return False
        self.cost += machine.price * (self._clock.now - machine.since) / 3_600_000
        return True

    def take_away(self, replica: str) -> None:
        """A spot instance is needed elsewhere."""
        for machine in [each for each in self.machines.values() if each.replica == replica]:
            self.release(machine.token)
