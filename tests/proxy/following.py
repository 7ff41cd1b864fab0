"""Runs that a live proxy follows, and what it knows of them."""

from typing import Any

from temporalio.client import Client as Temporal
from temporalio.client import WorkflowHandle

from engine.ids import WorkflowType
from spec.feed import RunStarted
from spec.names import run_id
from spec.route import ReplicaRoute, RouteTable
from tests.proxy.running import ProxyProcess, head
from tests.proxy.wire import Client
from tests.testbed.deadline import eventually

QUEUE = "stub"


def table(run: str, version: int, *addresses: str, **fields: Any) -> RouteTable:
    replicas = tuple(
        ReplicaRoute(id=f"{run}/r{number}", address=address)
        for number, address in enumerate(addresses)
    )
    return RouteTable(project="main", run=run, version=version, replicas=replicas, **fields)


async def begin(client: Temporal, first: RouteTable) -> WorkflowHandle[object, object]:
    """A run on Temporal, with its first routes."""
    return await client.start_workflow(
        WorkflowType.RUN, first, id=run_id("main", first.run), task_queue=QUEUE
    )


def has_read(process: ProxyProcess, seq: int) -> bool:
    return process.stats().feed == seq


def applied(run: str) -> tuple[RunStarted, ...]:
    return (RunStarted(project="main", run=run),)


async def ready(process: ProxyProcess) -> None:
    await eventually(process.is_ready)


async def has(process: ProxyProcess, run: str, version: int | None) -> None:
    """Wait until the process has this version of the run's routes; None: none of them."""

    def same() -> bool:
        mark = process.stats().tables.get(f"main/{run}")
        return (mark.version if mark else None) == version

    await eventually(same)


async def ask(process: ProxyProcess, run: str, token: str = "good") -> int:
    """The status of a request to the run, on a connection of its own."""
    client: Client = await process.connect()
    reply = await client.send(head(run).replace(b"good", token.encode()))
    client.writer.close()
    await client.writer.wait_closed()
    return reply.status
