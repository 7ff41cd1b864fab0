"""What goes wrong in a simulated world, and how often: drawn from the seed."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from random import Random


def stream(seed: int, name: str) -> Random:
    """The chance of one concern: what others draw does not move it."""
    return Random(f"{seed}/{name}")


@dataclass(frozen=True)
class Weather:
    """Shares are from 0 to 1, times are means in seconds between two of the kind.

    A `loss` ends a replica that serves: a crash, an interruption, an exit without an error, or
    probes that fail. Messages that are `late` take up to a minute, and others overtake them, but
    for those of one sender. A proxy that is `cut_off` hears of no table, a `silent` one tells no
    numbers.
    """

    full: float = 0.0
    slow_boot: float = 0.0
    lost_answer: float = 0.0
    engine_away: float = 0.0
    loss: float = inf
    outage: float = inf
    proxy_loss: float = inf
    cut_off: float = inf
    silent: float = inf
    lost_wake: float = 0.0
    lost_watch: float = inf
    late: float = 0.0
    store_away: float = 0.0
    renewal: float = inf


CALM = Weather()
"""Everything works."""


def travel_time(weather: Weather, chance: Random) -> float:
    """Seconds that a message takes."""
    is_late = weather.late and chance.random() < weather.late
    return chance.uniform(1, 60) if is_late else chance.uniform(0.005, 0.2)


def weather_of(chance: Random) -> Weather:
    """Each kind of fault is absent, seldom, or frequent: so that some seeds are nearly calm."""

    def share(seldom: float, often: float) -> float:
        return chance.choice((0.0, seldom, seldom, often))

    def mean(seldom: float, often: float) -> float:
        return 3600 * chance.choice((inf, seldom, seldom, often))

    return Weather(
        full=share(0.05, 0.4),
        slow_boot=share(0.1, 0.5),
        lost_answer=share(0.1, 0.4),
        engine_away=share(0.05, 0.3),
        loss=mean(24, 2),
        outage=mean(12, 1),
        proxy_loss=mean(12, 1),
        cut_off=mean(12, 2),
        silent=mean(6, 1),
        lost_wake=share(0.2, 0.8),
        lost_watch=mean(6, 0.5),
        late=share(0.02, 0.2),
        store_away=share(0.05, 0.3),
        renewal=mean(6, 0.5),
    )


class Loss(StrEnum):
    """What may become of a replica that serves."""

    CRASH = "crash"
    INTERRUPTION = "interruption"
    EXIT = "exit"
    UNHEALTHY = "unhealthy"


class Image(StrEnum):
    """What is in an image; only a good one can serve."""

    GOOD = "good"
    MISSING = "missing"
    BROKEN = "broken"
    SILENT = "silent"
    FRAGILE = "fragile"


def image_of(seed: int, number: int) -> Image:
    """The image of that number, in the world of this seed. The first one is good."""
    if number <= 0:
        return Image.GOOD
    kinds = (Image.MISSING, Image.BROKEN, Image.SILENT, Image.FRAGILE)
    chance = stream(seed, f"image/{number}")
    return chance.choice(kinds) if chance.random() < 0.4 else Image.GOOD
