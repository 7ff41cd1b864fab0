"""The traces of the backtest: `python benchmarks/traces/generate.py` writes them beside itself.

Requests by steps of 10 s, over one day. Both come from a seed, so that they are always the same.

smooth: the demand of a day, a sine with its low at night and its high in the afternoon.
bursty: next to nothing, and every hour or so some minutes of many requests.
"""

import csv
import io
import math
import random
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
SEED = 2026
DAY = 86_400
STEP = 10

SMOOTH_MEAN = 3.0
SMOOTH_SWING = 2.25
"""Requests per second: between 0.75 and 5.25."""

QUIET = 0.02
BURST = (1.5, 4.0)
BURST_SECONDS = (300, 1500)
PAUSE_SECONDS = (1800, 5400)

Rates = list[float]


def smooth(_chance: random.Random) -> Rates:
    """Requests per second in each step: low at 3 o'clock, high at 15."""
    return [
        SMOOTH_MEAN - SMOOTH_SWING * math.cos(2 * math.pi * (second - DAY / 8) / DAY)
        for second in range(0, DAY, STEP)
    ]


def bursty(chance: random.Random) -> Rates:
    """Quiet, with bursts that begin and end at once."""
    rates = [QUIET] * (DAY // STEP)
    second = chance.uniform(*PAUSE_SECONDS)
    while second < DAY:
        end = second + chance.uniform(*BURST_SECONDS)
        height = chance.uniform(*BURST)
        for step in range(int(second // STEP), min(int(end // STEP), len(rates))):
            rates[step] = height
        second = end + chance.uniform(*PAUSE_SECONDS)
    return rates


TRACES: dict[str, Callable[[random.Random], Rates]] = {"smooth": smooth, "bursty": bursty}


def table(name: str) -> str:
    """The CSV file of that trace: steps without a request are left out, but for the last one."""
    chance = random.Random(f"{SEED}/{name}")
    counts = [arrivals(chance, rate * STEP) for rate in TRACES[name](chance)]
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(("second", "requests"))
    last = len(counts) - 1
    for number, requests in enumerate(counts):
        if requests or number == last:
            lines.writerow((number * STEP, requests))
    return written.getvalue()


def arrivals(chance: random.Random, mean: float) -> int:
    """How many arrive when so many do on average, each by itself (Poisson, by Knuth)."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def main() -> None:
    """Write both."""
    for name in TRACES:
        (HERE / f"{name}.csv").write_text(table(name), encoding="utf-8")


if __name__ == "__main__":
    main()
