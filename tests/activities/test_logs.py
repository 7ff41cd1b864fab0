"""Logs come into the store line by line, whoever brings them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.logs import Logs
from spec.deeds import CollectOrder, Instance
from spec.log import LogBatch, LogEntry, LogStream
from store.store import Store

LINES = 30
ORDER = CollectOrder(
    instance=Instance(token="t", backend="local"),
    project="main",
    run="app",
    incarnation="life",
    replica="run/main/app/life/r0-g1",
    num=0,
)


class Machine:
    """A backend and its runtime: a log of `LINES` lines, in batches of one."""

    def __init__(self) -> None:
        self.begun = 0

    async def runtime(self, host: str) -> "Machine":
        return self

    async def follow(self, token: str, cursor: str) -> AsyncIterator[LogBatch]:
        self.begun += 1
        for number in range(int(cursor or 0), LINES):
            await asyncio.sleep(0)
            entry = LogEntry(at=number, stream=LogStream.STDOUT, text=f"line {number}".encode())
            yield LogBatch(entries=(entry,), cursor=str(number + 1))


async def collect(environment: ActivityEnvironment, store: Store, machine: Any) -> int:
    logs = Logs({"local": machine}, store)
    return int((await environment.run(logs.collect_logs, ORDER)).entries)


async def test_two_workers_at_one_log_store_each_line_once(
    environment: ActivityEnvironment, store: Store
) -> None:
    machine = Machine()
    counted = await asyncio.gather(
        *(collect(ActivityEnvironment(), store, machine) for _ in range(3))
    )
    page = await store.logs.read("main", "app", after=0, limit=1000)
    assert [line.text for line in page.lines] == [f"line {number}" for number in range(LINES)]
    assert counted == [LINES] * 3
    assert machine.begun > 3, "nobody was overtaken"


async def test_who_comes_later_counts_what_was_stored_before(
    environment: ActivityEnvironment, store: Store
) -> None:
    assert await collect(environment, store, Machine()) == LINES
    assert await collect(ActivityEnvironment(), store, Machine()) == LINES
    assert await store.logs.last_id("main", "app") == LINES
