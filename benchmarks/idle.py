"""What idle services cost: `python -m benchmarks.idle [SERVICES] [SECONDS]`.

First all at zero, then a tenth as many with a replica besides, as far as there is memory for them;
each for so many seconds. Beside each figure is what it may be at most.
"""

import statistics
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import psutil

from benchmarks.stage import (
    apply,
    calls,
    in_parallel,
    installed,
    page,
    routes,
    runs,
    scale,
    stop,
    until,
    until_ready,
)
from benchmarks.startup import took
from benchmarks.usage import Meters, grown, histories, meters
from cli.client import Client
from tests.e2e.installation import Installation
from tests.ports import free_port

SERVICES = 500
SECONDS = 600.0
DAY = 86_400

RANGE = {"scaling": {"metric": "rps", "target": 10}}
SETTLING = 60.0
"""Seconds until what a change has set going is over: windows of the load, polls, collections."""
REPLICA_MEMORY = 64 << 20
"""Bytes of a replica: a Python program with its shim, and some for what starts it."""
SPARE_MEMORY = 1 << 30

EVENTS, ACTIONS = 10, 2_000
"""The most that a service at zero may have in a day."""
MEMORY, MEMORY_WITH_REPLICA = 120, 240
"""The most KiB that a service may take in the worker."""
CPU = 15
"""The most that all processes together may take, in % of a core."""
PS_SECONDS = 0.5
PS_ROUNDS = 5


@dataclass(frozen=True)
class Figure:
    """What was found, and what it may be at most, if that was agreed."""

    name: str
    found: float
    most: float | None = None

    def __str__(self) -> str:
        line = f"{self.name:<46}{self.found:12,.2f}"
        if self.most is None:
            return line
        return f"{line}  <= {self.most:,g}{'' if self.found <= self.most else '  missed'}"


@dataclass(frozen=True)
class Idleness:
    """A time in which nobody asked for anything. `events` are those of the services meant."""

    began: Meters
    ended: Meters
    events: int

    @property
    def seconds(self) -> float:
        return self.ended.at - self.began.at

    @property
    def heartbeats(self) -> float:
        """In a day, of all services."""
        return (self.ended.heartbeats - self.began.heartbeats) / self.seconds * DAY

    def events_of_each(self, count: int) -> float:
        """In a day."""
        return self.events / count / self.seconds * DAY

    def cpu(self) -> list[Figure]:
        """Of each process, and in all."""
        used = {
            name: (self.ended.cpu[name] - spent) / self.seconds * 100
            for name, spent in self.began.cpu.items()
        }
        each = [Figure(f"  CPU of {name}, % of a core", share) for name, share in used.items()]
        return [*each, Figure("  CPU in all, % of a core", sum(used.values()), CPU)]


def lay_to_sleep(client: Client, name: str) -> None:
    """A service at zero none of whose replicas was ever started.

    Its range is applied while a number set by hand counts, which is then taken back.
    """
    none = page(name, 8000, replicas=0)
    apply(client, none)
    scale(client, name, 0)
    apply(client, {**none, "replicas": "0..1", **RANGE})
    scale(client, name, None)


def serve(client: Client, service: tuple[str, int]) -> None:
    """One that has a replica: of plain processes, a range comes to one."""
    name, port = service
    apply(client, page(name, port, replicas="1..2", **RANGE))
    until_ready(client, name)


def come_and_go(client: Client) -> None:
    """One of each kind: what the first of its kind loads is not what a service costs."""
    lay_to_sleep(client, "first")
    serve(client, ("second", free_port()))
    in_parallel(partial(stop, client), ["first", "second"])
    until(lambda: not runs(client), "both have ended", pause=0.5)
    time.sleep(SETTLING)


def idle(place: Installation, seconds: float, among: Collection[str] | None = None) -> Idleness:
    """Let it be, for so long; events are counted of all services, or of those `among`."""
    time.sleep(SETTLING)
    before = histories(place)
    began = meters(place)
    time.sleep(seconds)
    ended = meters(place)
    assert ended.heartbeats > began.heartbeats, "No heartbeat was counted: is the time too short?"
    return Idleness(began, ended, grown(before, histories(place), among))


def at_zero(place: Installation, client: Client, count: int, seconds: float) -> Idleness:
    """Print what so many services at zero cost."""
    empty = meters(place)
    in_parallel(partial(lay_to_sleep, client), [f"asleep-{number}" for number in range(count)])
    until(lambda: sum(run.asleep for run in runs(client)) == count, "all sleep", pause=1.0)
    until(
        lambda: sum(table.asleep for table in routes(place).values()) == count,
        "the proxy knows that all sleep",
        pause=1.0,
    )
    found = idle(place, seconds)
    events = found.events_of_each(count)
    show(
        f"{count} services at zero, {seconds:.0f} s",
        Figure("  history events of each, a day", events, EVENTS),
        # An event counts as an action, although several come of one.
        Figure("  Temporal actions of each, a day", found.heartbeats / count + events, ACTIONS),
        Figure("  worker memory of each, KiB", _kib(empty, found.ended, count), MEMORY),
        *found.cpu(),
        listing(place),
    )
    return found


def with_replicas(
    place: Installation, client: Client, services: int, seconds: float, zero: Idleness
) -> None:
    """Print what some with a replica cost beyond what was there before."""
    room = (psutil.virtual_memory().available - SPARE_MEMORY) // REPLICA_MEMORY
    count = min(services // 10, room)
    if count < 1:
        print("No services with a replica: there is no memory, or there are fewer than ten at zero")
        return
    before = meters(place)
    ports = set[int]()
    while len(ports) < count:
        ports.add(free_port())
    awake = {f"awake-{port}": port for port in ports}
    in_parallel(partial(serve, client), list(awake.items()))
    found = idle(place, seconds, awake)
    events = found.events_of_each(count)
    actions = (found.heartbeats - zero.heartbeats) / count + events
    memory = _kib(before, found.ended, count)
    show(
        f"{count} services with a replica besides, {seconds:.0f} s",
        Figure("  history events of each, a day", events),
        Figure("  Temporal actions of each, a day", actions),
        Figure("  worker memory of each, KiB", memory, MEMORY_WITH_REPLICA),
        *found.cpu(),
        listing(place),
    )


def listing(place: Installation) -> Figure:
    seconds = [took(partial(place.perdure, "ps")) for _ in range(PS_ROUNDS)]
    return Figure("  `perdure ps`, s", statistics.median(seconds), PS_SECONDS)


def show(title: str, *figures: Figure) -> None:
    print(title)
    for figure in figures:
        print(figure, flush=True)


def _kib(before: Meters, after: Meters, count: int) -> float:
    return (after.memory - before.memory) / count / 1024


def main() -> None:
    services = int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    with installed("process") as place, calls(place) as client:
        come_and_go(client)
        zero = at_zero(place, client, services, seconds)
        with_replicas(place, client, services, seconds, zero)


if __name__ == "__main__":
    main()
