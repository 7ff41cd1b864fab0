"""What an installation has used so far: its processes, and Temporal on their behalf."""

import asyncio
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client

from perdure.data_dir import DataDir
from tests.e2e.installation import Installation

CALLS = "temporal_request_total"
HEARTBEAT = "RecordActivityTaskHeartbeat"
"""What the SDK counts in the worker, and the call that is meant: the only process that beats."""
AT_ONCE = 16
"""Questions to Temporal at a time."""

Histories = Mapping[str, int]
"""Events in the histories of the living workflows, by their id."""


@dataclass(frozen=True)
class Meters:
    """At a moment of the monotonic clock.

    `cpu` are seconds by process, `memory` resident bytes of the worker, `heartbeats` the calls by
    which it has told Temporal that it lives.
    """

    at: float
    cpu: Mapping[str, float]
    memory: int
    heartbeats: float


def meters(place: Installation) -> Meters:
    processes = _processes(place)
    heartbeats = _heartbeats(place)
    return Meters(
        at=time.monotonic(),
        cpu={name: _cpu_seconds(process) for name, process in processes.items()},
        memory=processes["worker"].memory_info().rss,
        heartbeats=heartbeats,
    )


def histories(place: Installation) -> Histories:
    ports = json.loads(DataDir(place.data).temporal_ports.read_text())
    return asyncio.run(_histories(f"127.0.0.1:{ports['grpc']}"))


def grown(before: Histories, after: Histories, among: Collection[str] | None = None) -> int:
    """Events that came, of all runs or those of these names; their replicas' count as theirs.

    A history that is shorter than before was begun anew.
    """
    total = 0
    for workflow, length in after.items():
        if among is None or _name_of(workflow) in among:
            known = before.get(workflow, 0)
            total += length - known if length >= known else length
    return total


def _name_of(workflow: str) -> str:
    """`run/PROJECT/NAME`, and for its replicas what follows."""
    return workflow.split("/")[2] if workflow.startswith("run/") else ""


def _processes(place: Installation) -> dict[str, psutil.Process]:
    """Of the control plane and of the proxy, by the part; replicas are none of them."""
    parts = [file.stem for file in sorted(DataDir(place.data).run.glob("*.pid"))]
    return {part: psutil.Process(place.pid(part)) for part in (*parts, "supervisor")}


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _heartbeats(place: Installation) -> float:
    """None were sent as long as the SDK has counted none."""
    transport = httpx.HTTPTransport(uds=str(DataDir(place.data).worker_socket), verify=False)
    with httpx.Client(transport=transport, base_url="http://worker", timeout=30) as worker:
        told = worker.get("/metrics").raise_for_status().text
    samples = [each for family in text_string_to_metric_families(told) for each in family.samples]
    found = [each for each in samples if each.name == CALLS]
    assert found, f"The worker tells nothing of `{CALLS}`."
    return sum(each.value for each in found if each.labels.get("operation") == HEARTBEAT)


async def _histories(address: str) -> Histories:
    client = await Client.connect(address)
    several = asyncio.Semaphore(AT_ONCE)

    async def length(workflow: str) -> tuple[str, int]:
        request = DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow)
        )
        async with several:
            told = await client.workflow_service.describe_workflow_execution(request)
        return workflow, told.workflow_execution_info.history_length

    living = client.list_workflows("ExecutionStatus = 'Running'", page_size=1000)
    return dict(await asyncio.gather(*[length(each.id) async for each in living]))
