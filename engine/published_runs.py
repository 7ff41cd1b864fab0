"""What runs publish of themselves, as Temporal keeps it: no worker is needed to read it."""

import asyncio
from collections.abc import AsyncIterator

from temporalio.api.common.v1 import Memo
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.service import RPCError, RPCStatusCode

from engine import ids
from engine.absence import no_run
from engine.client import codec_of, problem
from engine.key_use import living_by_key
from perdure.search_attributes import SearchAttribute
from spec.names import run_id
from spec.route import RouteTable
from spec.run_status import RunStatus


class PublishedRuns:
    """All runs of this installation, by their memos. What others wrote there counts as nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._codec = codec_of(client)

    async def problem(self) -> str:
        """Why no run can be asked now; empty when Temporal answers."""
        return await problem(self._client)

    def handle(self, project: str, run: str) -> WorkflowHandle[object, RunStatus]:
        """The run of this name, whichever life it is in."""
        return self._client.get_workflow_handle(run_id(project, run), result_type=RunStatus)

    async def status(self, project: str, run: str) -> RunStatus | None:
        """The status of the last life of this name; None when there was none."""
        described = await self._described(project, run)
        if described is None:
            return None
        return self._status_of(described.raw_description.workflow_execution_info.memo)

    async def published(self, project: str, run: str) -> tuple[RunStatus, RouteTable] | None:
        """The status of the last life of this name, and its routes; None when there was none.

        As `status`, it needs no worker.
        """
        described = await self._described(project, run)
        if described is None:
            return None
        memo = described.raw_description.workflow_execution_info.memo
        status = self._status_of(memo)
        return None if status is None else (status, self._route_of(memo, status))

    async def statuses(
        self, project: str | None = None, *, include_finished: bool = False
    ) -> list[RunStatus]:
        """One list with the status memos, latest first."""
        terms = [f"WorkflowType = '{ids.WorkflowType.RUN}'"]
        terms.append(
            "ExecutionStatus != 'ContinuedAsNew'"
            if include_finished
            else "ExecutionStatus = 'Running'"
        )
        if project is not None:
            terms.append(f"{SearchAttribute.PROJECT} = '{project}'")
        runs = self._client.list_workflows(" AND ".join(terms), page_size=1000)
        found = [self._status_of(run.raw_info.memo) async for run in runs]
        return sorted(
            (status for status in found if status is not None),
            key=lambda status: status.submitted_at,
            reverse=True,
        )

    async def lives(self, project: str, run: str) -> bool:
        """Whether a run of this name lives, as Temporal knows it now: no list that lags behind."""
        described = await self._described(project, run)
        return described is not None and described.status is WorkflowExecutionStatus.RUNNING

    async def living(self) -> dict[tuple[str, str], RunStatus | None]:
        """Every living run by (project, name), with its status where it has told one."""
        terms = f"WorkflowType = '{ids.WorkflowType.RUN}' AND ExecutionStatus = 'Running'"
        found: dict[tuple[str, str], RunStatus | None] = {}
        async for run in self._client.list_workflows(terms, page_size=1000):
            _, project, name = run.id.split("/", 2)
            found[project, name] = self._status_of(run.raw_info.memo)
        return found

    async def count_stuck(self) -> int:
        """Living workflows whose tasks fail again and again; Temporal marks them after five."""
        terms = "ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL"
        return (await self._client.count_workflows(terms)).count

    async def watch(self, project: str, run: str, pause: float = 0.15) -> AsyncIterator[RunStatus]:
        """The status now, and at each change until the run is over.

        Asked by `describe` each `pause` seconds: 1 to 2 ms, needs no worker. Raises `NotFound`.
        """
        last: RunStatus | None = None
        while True:
            status = await self.status(project, run)
            if status is None:
                raise no_run(project, run)
            if status != last:
                yield status
                last = status
            if status.status.is_final:
                return
            await asyncio.sleep(pause)

    async def living_by_key(self) -> dict[bytes, list[str]]:
        """Ids of the workflows that go on, by the id of each payload key that they need."""
        return await living_by_key(self._client)

    def _status_of(self, memo: Memo) -> RunStatus | None:
        payload = memo.fields.get(ids.STATUS_MEMO)
        if payload is None or not self._codec.recognises(payload):
            return None
        return RunStatus.model_validate_json(payload.data)

    def _route_of(self, memo: Memo, status: RunStatus) -> RouteTable:
        payload = memo.fields.get(ids.ROUTE_MEMO)
        if payload is None or not self._codec.recognises(payload):
            return RouteTable(project=status.project, run=status.name)
        return RouteTable.model_validate_json(payload.data)

    async def _described(self, project: str, run: str) -> WorkflowExecutionDescription | None:
        try:
            return await self.handle(project, run).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
