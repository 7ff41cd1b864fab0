"""A stage for scenarios: a real Temporal server, the real worker, a runtime of sockets."""

import asyncio
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

import workflows
from backends.local import LocalBackend
from engine.client import codec
from engine.converter import SealingCodec
from engine.ids import SEARCH_ATTRIBUTES
from engine.plugin import plugin
from engine.runs import Runs
from perdure.settings import Settings
from server.temporal import TUNING, tuned
from spec.offer import Offer
from spec.plan import Plan, PlanOrder
from spec.run import Accepted, ApplyRequest
from spec.run_spec import RunSpec
from spec.run_status import RunStatus
from spec.service import ServiceConfiguration
from spec.status import RunPhase
from store.store import Store
from tests.secrecy.search import COMMAND
from tests.testbed.deadline import eventually
from tests.workflows.runtime import SocketRuntime
from worker.implementations import make_implementations
from worker.pollers import pollers

PROJECT = "main"
DECIDED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
MASTER_KEY = bytes(range(32))
INTERNAL_KEY = b"the internal key"
"""Always the same, so that recorded histories can be read later."""
BIN = str(Path(sys.executable).parent)
IMPATIENCE = (
    'history.defaultWorkflowTaskTimeout="1s"',
    'history.workflowTaskRetryMaxInterval="1s"',
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
)
"""Of a Temporal that soon tries a workflow task again that failed, and soon marks its workflow."""


def service(**properties: object) -> ServiceConfiguration:
    """A small service."""
    given = {"type": "service", "port": 8000, "commands": [COMMAND], "stop_duration": 5}
    return ServiceConfiguration.model_validate({**given, **properties})


@dataclass
class Stage:
    """All that a scenario needs."""

    client: Client
    runs: Runs
    runtime: SocketRuntime
    store: Store
    settings: Settings
    database: Path
    server: WorkflowEnvironment

    async def apply(
        self,
        name: str,
        *,
        key: str | None = None,
        check: str | None = None,
        sealed: str = "",
        **given: object,
    ) -> Accepted:
        """Apply a small service, with these properties."""
        spec = RunSpec(configuration=service(**given), sealed=sealed)
        request = ApplyRequest(spec=spec, check=check)
        return await self.runs.apply(PROJECT, name, request, key or str(uuid.uuid4()))

    async def plan(self, name: str, **given: object) -> Plan:
        """Plan a small service."""
        return await self.runs.plan(
            PlanOrder(
                project=PROJECT,
                name=name,
                spec=RunSpec(configuration=service(**given)),
                current=await self.runs.state(PROJECT, name),
            )
        )

    async def stop(self, name: str, *, abort: bool = False) -> RunStatus:
        """Stop, and wait for the end."""
        await self.runs.stop(PROJECT, name, abort=abort)
        await self.runs.ended(PROJECT, name)
        return await self.status(name)

    async def status(self, name: str) -> RunStatus:
        """What `ps` would show."""
        status = await self.runs.status(PROJECT, name)
        assert status is not None
        return status

    async def until_ready(self, name: str, count: int) -> RunStatus:
        """Wait until exactly `count` replicas are there, and all of them ready."""

        async def holds() -> bool:
            status = await self.runs.status(PROJECT, name)
            if status is None or len(status.replicas) != count:
                return False
            return status.ready == count

        await eventually(holds, f"{count} replicas of {name} are ready")
        return await self.status(name)

    async def until_phase(self, name: str, phase: RunPhase) -> RunStatus:
        """Wait until the run is so far."""

        async def holds() -> bool:
            status = await self.runs.status(PROJECT, name)
            return status is not None and status.status is phase

        await eventually(holds, f"{name} is {phase}")
        return await self.status(name)

    async def until_ended(self, name: str) -> RunStatus:
        """Wait for the end of the run: what an activity that was lost did takes a heartbeat."""
        async with asyncio.timeout(3 * self.settings.heartbeat):
            await self.runs.ended(PROJECT, name)
        return await self.status(name)


@asynccontextmanager
async def temporal_server(
    folder: Path, dynamic_config: Iterable[str] = ()
) -> AsyncIterator[WorkflowEnvironment]:
    """A dev server with its database in `folder`."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=shutil.which("temporal", path=BIN),
        dev_server_database_filename=str(folder / "temporal.db"),
        dev_server_log_level="error",
        dev_server_extra_args=[*TUNING, *tuned(dynamic_config)],
        search_attributes=SEARCH_ATTRIBUTES,
    ) as server:
        yield server


@asynccontextmanager
async def working(stage: Stage, *, max_cached: int = 1_000) -> AsyncIterator[None]:
    """The real worker, in this process."""
    backend = LocalBackend(stage.runtime, stage.store.gpus)
    implementations = make_implementations(
        stage.settings, stage.client, stage.store, {backend.name: backend}
    )
    async with AsyncExitStack() as running:
        for worker in pollers(
            stage.client,
            implementations,
            max_cached=max_cached,
            sticky_timeout=timedelta(seconds=1),
        ):
            await running.enter_async_context(worker)
        yield


async def histories(client: Client) -> AsyncIterator[WorkflowHistory]:
    """Every history that a scenario left, of which a worker has decided anything at all."""
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        if any(event.event_type == DECIDED for event in history.events):
            yield history


async def replay_all(client: Client, sealing: SealingCodec) -> int:
    """Every history that a scenario left is replayed by the same code; how many there were."""
    replayer = Replayer(workflows=workflows.ALL, plugins=[plugin(sealing)])
    count = 0
    async for history in histories(client):
        await replayer.replay_workflow(history)
        count += 1
    return count


def sealing(stage: Stage) -> SealingCodec:
    """The codec of the stage's installation."""
    return codec(stage.settings)


def machine_offer(plan: Plan) -> Offer:
    """The one offer of the local machine."""
    (offer,) = plan.offers
    return offer
