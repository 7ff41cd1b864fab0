"""What a request costs a proxy in memory while it waits for a replica.

Small requests, each on a connection of its own. What the kernel keeps of a connection is not in it.
"""

import asyncio
import socket
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.stage import until
from proxy.descriptors import claim
from tests.proxy.running import RunningProxy, head

COUNTS = (1_000, 2_000)
"""The last is as many as a proxy holds for one service, as it is shipped."""
BEFORE = 10
"""Requests that are held, and leave, before the first look: what the first one loads stays."""

REQUEST = head("held")


@dataclass
class Held:
    """Bytes of resident memory that each of `count` held requests adds, round by round."""

    count: int
    size: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        name = f"memory of a held request, of {self.count:,}"
        return f"{name:<46}  {statistics.median(self.size) / 1024:7.2f} KiB"


def held(rounds: int) -> list[Held]:
    """A fresh proxy in each round."""
    claim()
    found = [Held(count) for count in COUNTS]
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            proxy = RunningProxy(Path(folder))
            try:
                asyncio.run(proxy.publish(run="held", starting=True))
                measure(proxy, found)
            finally:
                proxy.stop()
    return found


def measure(proxy: RunningProxy, found: list[Held]) -> None:
    with ExitStack() as first:
        hold(proxy, first, BEFORE)
    until_held(proxy, 0)
    empty, waiting = proxy.memory, 0
    with ExitStack() as clients:
        for each in found:
            hold(proxy, clients, each.count - waiting)
            waiting = each.count
            until_held(proxy, waiting)
            each.size.append((proxy.memory - empty) / waiting)


def hold(proxy: RunningProxy, clients: ExitStack, count: int) -> None:
    for _ in range(count):
        client = clients.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
        client.sendall(REQUEST)


def until_held(proxy: RunningProxy, count: int) -> None:
    until(lambda: proxy.stats().held["main/held"] == count, f"{count} requests are held")
