"""Temporal: whether it answers, has what we list runs by, and whether something is stuck in it."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from engine.client import connect, public_codec
from perdure import lock
from perdure.errors import Unavailable
from perdure.search_attributes import SearchAttribute
from perdure.settings import Settings
from spec.finding import Finding, fine, problem, warning

SHORTEST = timedelta(days=7)
"""Below it, what ended last week is not found any more."""
CHOICES = frozenset({"TEMPORAL_ADDRESS", "TEMPORAL_PROFILE"})
"""Variables that name a Temporal."""
FAILED_TASKS = 3
"""Attempts at one workflow task: a worker that was killed costs one, a mistake of ours all."""


def use_own(settings: Settings) -> None:
    """Ask the Temporal of `perdure server` where one has run here, else that of the environment.

    While it does not run, its port may be another program's. Raises `Unavailable` then.
    """
    data = settings.data
    if lock.is_file_held(data.run / "temporal.pid"):
        port = json.loads(data.temporal_ports.read_text())["grpc"]
        os.environ |= {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}", "TEMPORAL_NAMESPACE": "default"}
        os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull
    elif data.temporal_ports.exists() and not CHOICES & os.environ.keys():
        raise Unavailable(
            "The Temporal of `perdure server` does not run.", hint="Start `perdure server`."
        )


async def client_of(settings: Settings) -> Client:
    """A client that reads what is public. Raises `Unavailable`, and `CannotStart` without a key."""
    use_own(settings)
    return await connect(public_codec(settings), patient=False)


@dataclass(frozen=True)
class Namespace:
    """The one that we use: how long it keeps what has ended, and its search attributes."""

    name: str
    retention: timedelta
    attributes: frozenset[str]


async def look_at_namespace(settings: Settings) -> Namespace:
    """Ask Temporal."""
    client = await client_of(settings)
    described, listed = await asyncio.gather(
        client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        ),
        client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        ),
    )
    return Namespace(
        name=client.namespace,
        retention=described.config.workflow_execution_retention_ttl.ToTimedelta(),
        attributes=frozenset(listed.custom_attributes),
    )


def judge_namespace(seen: Namespace) -> Iterator[Finding]:
    """Runs can be listed, and found for some time after their end."""
    missing = [name.value for name in SearchAttribute if name.value not in seen.attributes]
    if missing:
        yield problem(
            f"The namespace `{seen.name}` has no search attribute {', '.join(missing)}.",
            "Run `deploy/temporal/namespace.sh`; it can be run again.",
        )
    if seen.retention < SHORTEST:
        yield warning(
            f"The namespace `{seen.name}` forgets what has ended after {seen.retention}.",
            f"`temporal operator namespace update -n {seen.name} --retention 720h` keeps 30 days.",
        )
    if not missing:
        yield fine(f"Temporal answers; the namespace `{seen.name}` has what is needed.")


@dataclass(frozen=True)
class Stuck:
    """A workflow whose task was tried so often, and has not been carried out."""

    workflow: str
    attempts: int


async def look_for_stuck(settings: Settings) -> tuple[Stuck, ...]:
    """Ask for each living workflow: some milliseconds each."""
    client = await client_of(settings)
    found = []
    async for each in client.list_workflows("ExecutionStatus = 'Running'", page_size=1000):
        described = await client.get_workflow_handle(each.id, run_id=each.run_id).describe()
        task = described.raw_description.pending_workflow_task
        found.append(Stuck(each.id, task.attempt))
    return tuple(found)


def judge_stuck(seen: tuple[Stuck, ...]) -> Iterator[Finding]:
    """Workflow tasks are carried out at the first attempt, or the second."""
    stuck = [each for each in seen if each.attempts >= FAILED_TASKS]
    for each in stuck:
        yield problem(
            f"The workflow `{each.workflow}` is stuck: its task failed {each.attempts} times.",
            "The worker's log has the error and Temporal's UI the history. Nothing of it is lost: "
            "with a version that mends the mistake, or with that of before, it goes on by itself.",
        )
    if not stuck:
        yield fine(f"No workflow is stuck; {len(seen)} live.")
