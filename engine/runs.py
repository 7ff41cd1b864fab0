"""What the API asks of Temporal, in its own words. Workflows go by name here."""

import asyncio
import uuid
from datetime import timedelta

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecution,
    WorkflowFailureError,
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
from engine.absence import has_ended, is_ending, not_found, not_running, not_taken_up
from engine.failures import as_error
from engine.published_runs import PublishedRuns
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


class Runs(PublishedRuns):
    """All runs of this installation: what is asked of them, and what they publish."""

    def __init__(
        self, client: Client, *, renew_after_events: int = 4_000, pauses: Pauses = PAUSES
    ) -> None:
        """`renew_after_events` and `pauses` of runs that begin; they are small in tests."""
        super().__init__(client)
        self._renew_after_events = renew_after_events
        self._pauses = pauses

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
