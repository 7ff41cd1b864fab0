"""The demand of a backtest: when each request arrives, and how long it takes."""

import math
import random
from dataclasses import dataclass

from spec.backtest import Conditions, Trace

SEED = 20
"""All rules of a backtest, and all backtests of a trace, meet the same requests."""


@dataclass(frozen=True)
class Demand:
    """Requests in the order of their arrival: seconds from the beginning, seconds on a replica.

    It is over after `seconds`.
    """

    arrivals: tuple[float, ...]
    service_times: tuple[float, ...]
    seconds: float


def demand_of(trace: Trace, conditions: Conditions, seed: int = SEED) -> Demand:
    """Requests arrive anywhere within their row, and take as long as the conditions say."""
    chance = random.Random(seed)  # noqa: S311 - no secret: it must be the same each time
    arrivals = [
        row.second + moment
        for row in trace.rows
        for moment in sorted(chance.uniform(0, trace.step) for _ in range(row.requests))
    ]
    spread = conditions.spread
    mean = math.log(conditions.service_time) - spread**2 / 2
    times = tuple(chance.lognormvariate(mean, spread) for _ in arrivals)
    return Demand(tuple(arrivals), times, trace.seconds)
