"""What the API asks of Temporal, in its own words. Workflows go by name here."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio.api.common.v1 import Memo
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from engine import ids
from engine.absence import has_ended, is_ending, no_run, not_found, not_running, not_taken_up
from engine.client import codec_of, problem
from engine.failures import as_error
from engine.key_use import living_by_key
from perdure.search_attributes import SearchAttribute
from spec.names import run_id
from spec.pauses import Pauses
from spec.plan import Plan, PlanOrder
from spec.public import PublicStr
from spec.route import RouteTable
from spec.run import Accepted, ApplyRequest, RunStart, RunState, StopRequest, WakeNote
from spec.run_status import RunStatus
from spec.scale import ScaleRequest

PAUSES = Pauses()
PLAN_TIME = timedelta(minutes=3)
QUERY_TIME = timedelta(seconds=15)
STOP_TIME = timedelta(seconds=25)
"""Within the 30 s that clients give an answer."""
SCALE_TIME = STOP_TIME
WAKE_TIME = timedelta(seconds=3)
"""Who wakes a run tries again: requests wait for it."""


class Runs:
    """All runs of this installation."""

    def __init__(
        self, client: Client, *, renew_after_events: int = 4_000, pauses: Pauses = PAUSES
    ) -> None:
        """`renew_after_events` and `pauses` of runs that begin; they are small in tests."""
        self._client = client
        self._codec = codec_of(client)
        self._renew_after_events = renew_after_events
        self._pauses = pauses

    async def problem(self) -> str:
        """Why no run can be asked now; empty when Temporal answers."""
        return await problem(self._client)

    def handle(self, project: str, run: str) -> WorkflowHandle[object, RunStatus]:
        """The run of this name, whichever life it is in."""
        return self._client.get_workflow_handle(run_id(project, run), result_type=RunStatus)

    async def plan(self, order: PlanOrder) -> Plan:
        """What applying would do. Raises the error of a search that failed."""
        try:
            plan: Plan = await self._client.execute_workflow(
                ids.WorkflowType.PLAN,
                order,
                id=ids.plan_id(str(uuid.uuid4())),
                task_queue=ids.Queue.CONTROL,
                result_type=Plan,
                execution_timeout=PLAN_TIME,
                static_summary=PublicStr(f"plan of {order.project}/{order.name}"),
            )
        except WorkflowFailureError as failure:
            raise as_error(failure) from failure
        return plan

    async def apply(self, project: str, run: str, request: ApplyRequest, key: str) -> Accepted:
        """Apply once per `key`; a stopping run is waited for, then a new one started.

        Raises what the run's admission raises: `Refused`, `NotInPlace`, `PlanChanged`.
        """
        while True:
            try:
                return await self._apply_now(project, run, request, key)
            except WorkflowUpdateFailedError as failure:
                if not is_ending(failure):
                    raise as_error(failure) from failure
            except RPCError as error:
                # The run closed between its start and the update: the next one is new.
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            await self.ended(project, run)

    async def answer_to(self, project: str, run: str, key: str) -> Accepted | None:
        """What `apply` with this key was answered, by whichever life of the name; None: by none.

        Temporal is asked for the update itself, in the present execution and then in the others
        that it still has: no clock has to say which of them may have it.
        """
        present = await self._described(project, run)
        if present is None:
            return None
        answer = await self._outcome(present, key)
        others = self._client.list_workflows(f"WorkflowId = '{present.id}'", page_size=1000)
        async for other in others:
            if answer is not None:
                break
            if other.run_id != present.run_id:
                answer = await self._outcome(other, key)
        return answer

    async def ended(self, project: str, run: str) -> None:
        """Return when the present life of the run is over, however it ended."""
        try:
            await self.handle(project, run).result()
        except WorkflowFailureError:
            return

    async def stop(self, project: str, run: str, *, abort: bool = False) -> RunStatus:
        """Ask for the end; a run that has ended stays as it is.

        Raises `NotFound` when there was no such run, `Unavailable` when no worker took it up.
        """
        try:
            async with asyncio.timeout(STOP_TIME.total_seconds()):
                status: RunStatus = await self.handle(project, run).execute_update(
                    ids.Message.STOP, StopRequest(abort=abort), result_type=RunStatus
                )
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise not_taken_up(run, "stop", "stop", STOP_TIME.seconds) from error
        except RPCError as error:
            is_over = error.status is RPCStatusCode.NOT_FOUND
            last = await self.status(project, run) if is_over else None
            if last is None:
                raise not_found(project, run, error) from error
            return last
        except WorkflowUpdateFailedError as failure:
            known = await self.status(project, run)
            if known is None:
                raise as_error(failure) from failure
            return known
        return status

    async def scale(self, project: str, run: str, request: ScaleRequest) -> RunStatus:
        """Set the number of replicas, or take that back.

        Raises `NotFound` when there was no such run, `Conflict` when it has ended, what the run's
        admission raises, and `Unavailable` when no worker took it up.
        """
        try:
            async with asyncio.timeout(SCALE_TIME.total_seconds()):
                status: RunStatus = await self.handle(project, run).execute_update(
                    ids.Message.SCALE, request, result_type=RunStatus
                )
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            raise not_taken_up(run, "scaling", "scale", SCALE_TIME.seconds) from error
        except RPCError as error:
            is_over = error.status is RPCStatusCode.NOT_FOUND
            if is_over and await self.status(project, run) is not None:
                raise not_running(run) from error
            raise not_found(project, run, error) from error
        except WorkflowUpdateFailedError as failure:
            raise (not_running(run) if has_ended(failure) else as_error(failure)) from failure
        return status

    async def wake(self, project: str, run: str, note: WakeNote) -> None:
        """Tell a run that somebody asks for it; it is no harm to tell one that is awake.

        Raises `NotFound` when none of this name lives, `Unavailable` when Temporal does not answer.
        """
        try:
            await self.handle(project, run).signal(ids.Message.WAKE, note, rpc_timeout=WAKE_TIME)
        except RPCError as error:
            raise not_found(project, run, error) from error

    async def state(self, project: str, run: str) -> RunState | None:
        """The living run's own view, by a query; None when none lives. For plans and people."""
        if not await self.lives(project, run):
            return None
        state: RunState = await self.handle(project, run).query(
            ids.Message.GET_STATE, result_type=RunState, rpc_timeout=QUERY_TIME
        )
        return state

    async def route(self, project: str, run: str) -> RouteTable:
        """The run's routes, by a query: to compare with what a proxy has."""
        table: RouteTable = await self.handle(project, run).query(
            ids.Message.GET_ROUTE, result_type=RouteTable, rpc_timeout=QUERY_TIME
        )
        return table

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

    async def living(self) -> dict[tuple[str, str], str | None]:
        """Every living run by (project, name), with its incarnation where it has told one."""
        terms = f"WorkflowType = '{ids.WorkflowType.RUN}' AND ExecutionStatus = 'Running'"
        found: dict[tuple[str, str], str | None] = {}
        async for run in self._client.list_workflows(terms, page_size=1000):
            _, project, name = run.id.split("/", 2)
            status = self._status_of(run.raw_info.memo)
            found[project, name] = status.incarnation if status is not None else None
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

    async def _outcome(self, execution: WorkflowExecution, key: str) -> Accepted | None:
        """What this execution answered to the update; None where it has none of that id.

        Also one that has ended tells. One that was refused leaves no trace.
        """
        handle = self._client.get_workflow_handle(execution.id, run_id=execution.run_id)
        try:
            update = handle.get_update_handle(key, result_type=Accepted)
            accepted: Accepted = await update.result()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None
        except WorkflowUpdateFailedError:  # it ended before it had answered
            return None
        return accepted

    async def _described(self, project: str, run: str) -> WorkflowExecutionDescription | None:
        try:
            return await self.handle(project, run).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _apply_now(self, project: str, run: str, request: ApplyRequest, key: str) -> Accepted:
        start = RunStart(
            project=project,
            name=run,
            renew_after_events=self._renew_after_events,
            pauses=self._pauses,
        )
        accepted: Accepted = await self._client.execute_update_with_start_workflow(
            ids.Message.APPLY,
            request,
            id=key,
            result_type=Accepted,
            start_workflow_operation=WithStartWorkflowOperation(
                ids.WorkflowType.RUN,
                start,
                id=run_id(project, run),
                task_queue=ids.Queue.CONTROL,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=_search_attributes(project, run, request),
                static_summary=PublicStr(f"{run} · {request.spec.replicas} replicas"),
            ),
        )
        return accepted


def _search_attributes(project: str, run: str, request: ApplyRequest) -> TypedSearchAttributes:
    pairs: list[SearchAttributePair[str]] = [
        SearchAttributePair(ids.PROJECT, project),
        SearchAttributePair(ids.RUN_NAME, run),
    ]
    model = request.spec.configuration.model
    if model is not None:
        pairs.append(SearchAttributePair(ids.MODEL, model.name))
    return TypedSearchAttributes(pairs)
