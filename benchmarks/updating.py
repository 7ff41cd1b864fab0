"""What users notice of a rolling update, beside other work that takes as much of the processors.

A B A B: while a steady load goes on, an update, then for as long processes that only compute, with
as many seconds of CPU as the update had beyond those of the load. What the update costs beyond the
processors' time is the difference.
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

import psutil

from benchmarks.stage import apply, calls, page, until_ready
from benchmarks.steady import Answer, failed, percentile, steady, within
from benchmarks.waking import CONTAINER_PORT
from cli.client import Client
from tests.e2e.installation import Installation
from tests.testbed.fixtures import BASE_IMAGE

NAME = "rolling"
REPLICAS = 2
RATE = 100
"""Requests per second."""
QUIET = 3.0
"""Seconds with the load alone, before each update and after each of the other work."""

HOG = """
import sys, time
share, began = float(sys.argv[1]), time.monotonic()
while True:
    if time.process_time() < share * (time.monotonic() - began):
        sum(range(50_000))
    else:
        time.sleep(0.005)
"""
"""One process that takes this share of a core."""


@dataclass(frozen=True)
class Window:
    """Of the monotonic clock; `cpu` are the seconds that all processors together were busy."""

    began: float
    ended: float
    cpu: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True)
class Round:
    update: Window
    hog: Window


@dataclass(frozen=True)
class Updates:
    """All rounds, and what became of the load."""

    rounds: list[Round]
    answers: list[Answer]

    def __str__(self) -> str:
        updates = [within(self.answers, r.update.began, r.update.ended) for r in self.rounds]
        hogs = [within(self.answers, r.hog.began, r.hog.ended) for r in self.rounds]
        lines = [f"{f'rolling update, {REPLICAS} replicas, {RATE} requests/s':<46}"]
        lines[0] += f"{'update':>10}{'hog':>10}"
        for share in (0.5, 0.95, 0.99):
            mine, other = ([percentile(each, share) for each in side] for side in (updates, hogs))
            ratio = median(one / two for one, two in zip(mine, other, strict=True))
            name = f"  P{share * 100:.0f} of the requests, ms"
            pair = f"{median(mine) * 1e3:10.1f}{median(other) * 1e3:10.1f}"
            lines.append(f"{name:<46}{pair}  ratio {ratio:.2f}")
        for name, of in (("requests", len), ("requests that failed", failed)):
            pair = f"{sum(map(of, updates)):10,}{sum(map(of, hogs)):10,}"
            lines.append(f"{'  ' + name:<46}{pair}")
        for name, value in (("seconds", "seconds"), ("CPU seconds, all processors", "cpu")):
            mine = [getattr(each.update, value) for each in self.rounds]
            other = [getattr(each.hog, value) for each in self.rounds]
            lines.append(f"{'  ' + name:<46}{median(mine):10.2f}{median(other):10.2f}")
        elsewhere = failed(self.answers) - sum(map(failed, updates)) - sum(map(failed, hogs))
        lines.append(f"{'  requests that failed at other times':<46}{elsewhere:10,}")
        return "\n".join(lines)


def updates(place: Installation, count: int) -> Updates:
    with calls(place) as client:
        apply(client, rolling(0))
        until_ready(client, NAME, REPLICAS)
        with steady(place.port, f"/proxy/services/main/{NAME}/", RATE) as load:
            rounds = [round_of(client, number) for number in range(1, count + 1)]
            return Updates(rounds, load.end())


def rolling(number: int) -> dict[str, object]:
    """Another value of a variable takes new replicas."""
    env = {"NUMBER": str(number)}
    kept = {"image": BASE_IMAGE, "replicas": REPLICAS, "auth": False}
    return page(NAME, CONTAINER_PORT, env=env, **kept)


def round_of(client: Client, number: int) -> Round:
    quiet = watched(partial(time.sleep, QUIET))
    update = watched(partial(update_to, client, number))
    beyond = update.cpu - quiet.cpu / quiet.seconds * update.seconds
    time.sleep(QUIET)
    with hogs(max(0.0, beyond) / update.seconds):
        hog = watched(partial(time.sleep, update.seconds))
    time.sleep(QUIET)
    return Round(update, hog)


def update_to(client: Client, number: int) -> None:
    until_ready(client, NAME, REPLICAS, apply(client, rolling(number)))


def watched(work: Callable[[], object]) -> Window:
    busy, began = busy_seconds(), time.monotonic()
    work()
    return Window(began, time.monotonic(), busy_seconds() - busy)


def busy_seconds() -> float:
    """Of all processors, since the machine was started; the time of guests is in that of users."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


@contextmanager
def hogs(share: float) -> Iterator[None]:
    """Processes that take so much of a core together; more than one, where one is not enough."""
    count = max(1, math.ceil(share))
    command = [sys.executable, "-c", HOG, str(share / count)]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
