"""How a proxy learns the routes: one list, then each run's history, read from its memos."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack, suppress

from pydantic import ValidationError
from temporalio.api.common.v1 import Memo
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from engine.client import codec_of
from engine.ids import ROUTE_MEMO, WorkflowType
from engine.runs import Runs
from proxy.plane import Plane
from proxy.state import State
from spec.names import run_id
from spec.route import RouteTable
from spec.run import WakeNote

LIVING_RUNS = f"WorkflowType = '{WorkflowType.RUN}' AND ExecutionStatus = 'Running'"

OPENING = 8
"""Tails that may read their run's past at the same time; up to 4,100 events each."""

AT_ONCE = 32
"""Tables of a list that are read before requests have their turn again: two milliseconds."""

AGAIN_SECONDS = 1.0
"""Until another try, while Temporal does not answer."""

FORGET_SECONDS = 1.0
"""Between the end of a run and its 404: the next life of the name may follow at once."""

MISS_SECONDS = 2.0
"""For which "there is no such run" is remembered."""

ASK_SECONDS = 1.5
"""For a request to a run that is not known (yet), and not for any other."""

Name = tuple[str, str]

logger = logging.getLogger(__name__)


class RouteReader:
    """Keeps the plane's table. It needs no master key: route memos are public."""

    def __init__(self, client: Client, plane: Plane, state: State) -> None:
        self._client = client
        self._codec = codec_of(client)
        self._plane = plane
        self._state = state
        self._tails: dict[Name, asyncio.Task[None]] = {}
        self._seen_alive: set[Name] = set()
        self._opening = asyncio.Semaphore(OPENING)
        self._missing: dict[Name, float] = {}
        self._look = asyncio.Event()

    def look(self) -> None:
        """Compare now, not at the end of the interval."""
        self._look.set()

    async def run(self, interval: float) -> None:
        """Compare with the list of all living runs each `interval` seconds, for ever."""
        try:
            while True:
                pause = interval
                try:
                    await self.repair()
                except RPCError as error:
                    self._away(error)
                    pause = min(AGAIN_SECONDS, interval)
                self._look.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._look.wait(), pause)
        finally:
            await self.close()

    async def repair(self) -> None:
        """Read every living run's table, follow it, and forget those that are over."""
        known = {(route.project, route.run) for route in self._plane.table.routes()}
        living: set[Name] = set()
        async for run in self._client.list_workflows(LIVING_RUNS, page_size=1000):
            _, project, name = run.id.split("/", 2)
            living.add((project, name))
            if not self._accept(run.id, run.raw_info.memo):
                await self._present(project, name)
            self.follow(project, name)
            if len(living) % AT_ONCE == 0:
                await asyncio.sleep(0)
        for project, name in known - living:
            # The list may be late; the run itself is not.
            self.follow(project, name)
        self._heard()
        self._state.table_known = True

    async def introduce(self, project: str, name: str) -> None:
        """A run was applied: take in its table, within a bounded time, and follow it."""
        with suppress(TimeoutError, RPCError):
            await self._ask(project, name)
        self.follow(project, name)

    def follow(self, project: str, name: str) -> None:
        """Follow this run from now on, unless it is followed already."""
        self._missing.pop((project, name), None)
        tail = self._tails.get((project, name))
        if tail is None or tail.done():
            self._tails[project, name] = asyncio.create_task(self._tail(project, name))

    async def seek(self, project: str, name: str) -> None:
        """A run that is not known was asked for: one bounded question, remembered for a while."""
        now = time.monotonic()
        if self._missing.get((project, name), 0.0) > now:
            return
        self._missing = {each: until for each, until in self._missing.items() if until > now}
        self._missing[project, name] = now + MISS_SECONDS
        try:
            found = await self._ask(project, name)
        except (TimeoutError, RPCError) as error:
            self._away(error)
            return
        if found:
            self.follow(project, name)

    async def wake(self, project: str, name: str, note: WakeNote) -> None:
        """Tell a run that sleeps, in `ASK_SECONDS`. Raises `TimeoutError` or a `PerdureError`."""
        async with asyncio.timeout(ASK_SECONDS):
            await Runs(self._client).wake(project, name, note)

    async def verify(self) -> tuple[str, ...]:
        """The runs (`project/run`) that do not see their routes as this proxy does."""
        runs, several = Runs(self._client), asyncio.Semaphore(OPENING)

        async def differs(mine: RouteTable) -> bool:
            async with several:
                try:
                    return await runs.route(mine.project, mine.run) != mine
                except RPCError:
                    return True

        tables = self._plane.table.routes()
        found = await asyncio.gather(*map(differs, tables))
        return tuple(
            f"{table.project}/{table.run}"
            for table, other in zip(tables, found, strict=True)
            if other
        )

    async def close(self) -> None:
        """Stop following."""
        for tail in self._tails.values():
            tail.cancel()
        await asyncio.gather(*self._tails.values(), return_exceptions=True)
        self._tails.clear()

    async def _tail(self, project: str, name: str) -> None:
        """All lives of the name that follow each other, across Temporal's outages."""
        while True:
            self._seen_alive.discard((project, name))
            try:
                over = not await self._tail_life(project, name)
                if over and (project, name) not in self._seen_alive:
                    break
            except RPCError as error:
                # A long poll that is cut off after some minutes is as good as one without news.
                if error.status is not RPCStatusCode.CANCELLED:
                    self._away(error)
                await asyncio.sleep(AGAIN_SECONDS)
        self._plane.table.forget(project, name)

    async def _tail_life(self, project: str, name: str) -> bool:
        """One life, across its renewals; False when no life followed it within the grace."""
        found = await self._present(project, name)
        if found is None:
            await asyncio.sleep(FORGET_SECONDS)
            found = await self._present(project, name)
            if found is None:
                return False
        self._heard()
        info = found.raw_description.workflow_execution_info
        execution, past = found.run_id, info.history_length
        while execution:
            execution = await self._tail_execution(project, name, execution, past)
            past = 0
        return True

    async def _tail_execution(self, project: str, name: str, execution: str, past: int) -> str:
        """One execution's history; the id of the next one when it continued as new, or nothing."""
        handle = self._client.get_workflow_handle(run_id(project, name), run_id=execution)
        async with AsyncExitStack() as opening:
            await opening.enter_async_context(self._opening)
            async for event in handle.fetch_history_events(wait_new_event=True):
                if not self._accept(handle.id, _memo_of(event)):
                    await self._present(project, name)
                if event.event_id >= past:
                    await opening.aclose()
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
                    attributes = event.workflow_execution_continued_as_new_event_attributes
                    return attributes.new_execution_run_id
        return ""

    async def _ask(self, project: str, name: str) -> bool:
        """Whether the run lives; its table is taken in then. In `ASK_SECONDS`, or an error."""
        async with asyncio.timeout(ASK_SECONDS):
            found = await self._present(project, name)
        if found is None:
            return False
        self._seen_alive.add((project, name))
        return True

    async def _present(self, project: str, name: str) -> WorkflowExecutionDescription | None:
        """The life that the name has now, whose table is taken in; None: it has none."""
        try:
            found = await self._client.get_workflow_handle(run_id(project, name)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        if found.status is not WorkflowExecutionStatus.RUNNING:
            return None
        memo = found.raw_description.workflow_execution_info.memo
        self._accept(found.id, memo, present=True)
        return found

    def _accept(self, workflow: str, memo: Memo, *, present: bool = False) -> bool:
        """Take in a table; False: it is of another life than what is known, so ask for the present.

        Events may be of a life that is over, and the list of all runs may be late.
        """
        payload = memo.fields.get(ROUTE_MEMO)
        if payload is None:
            return True
        if not self._codec.recognises(payload):
            logger.warning(
                "A route memo of %s is not of this installation",
                workflow,
                extra={"workflow": workflow},
            )
            return True
        try:
            table = RouteTable.model_validate_json(payload.data)
        except ValidationError as error:
            logger.error("A route memo cannot be read: %s", error, extra={"workflow": workflow})
        else:
            if run_id(table.project, table.run) == workflow:
                known = self._plane.table
                return known.apply(table, present=present) or not known.is_of_other_life(table)
        return True

    def _heard(self) -> None:
        if self._state.temporal_up is False:
            logger.info("Temporal answers again")
        self._state.temporal_up = True
        self._state.heard_at = time.monotonic()

    def _away(self, error: Exception) -> None:
        if self._state.temporal_up is not False:
            logger.warning("Temporal does not answer, what is known stays: %s", error)
        self._state.temporal_up = False


def _memo_of(event: HistoryEvent) -> Memo:
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
        return event.workflow_execution_started_event_attributes.memo
    return event.workflow_properties_modified_event_attributes.upserted_memo
