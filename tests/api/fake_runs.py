"""Temporal's part of the API, from memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from temporalio.service import RPCError, RPCStatusCode

from engine.runs import Runs
from perdure.errors import NotFound
from spec.plan import Plan, PlanAction, PlanOrder
from spec.route import RouteTable
from spec.run import Accepted, ApplyRequest, RunState, WakeNote
from spec.run_spec import RunSpec
from spec.run_status import RunStatus
from spec.scale import Override, ScaleRequest
from spec.status import RunPhase

LATER = datetime(2026, 11, 25, 13, tzinfo=UTC)


def run_status(
    name: str = "app",
    phase: RunPhase = RunPhase.RUNNING,
    *,
    project: str = "main",
    incarnation: str = "life1",
    submitted_at: datetime = LATER,
    model: str | None = None,
    revision: int = 1,
) -> RunStatus:
    return RunStatus(
        project=project,
        name=name,
        status=phase,
        status_message=phase.value,
        submitted_at=submitted_at,
        incarnation=incarnation,
        revision=revision,
        desired=1,
        ready=1,
        model=model,
    )


def run_state(
    spec: RunSpec,
    name: str = "app",
    *,
    project: str = "main",
    incarnation: str = "life1",
    revision: int = 1,
) -> RunState:
    table = RouteTable(project=project, run=name, incarnation=incarnation, started_at=LATER)
    return RunState(
        project=project,
        name=name,
        incarnation=incarnation,
        submitted_at=LATER,
        route=table,
        spec=spec,
        revision=revision,
        deployment=revision,
        elastic=True,
    )


class FakeRuns(Runs):
    """What it was asked, and what it answers."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], RunStatus] = {}
        self.orders: list[PlanOrder] = []
        self.applied: list[tuple[str, str, ApplyRequest, str]] = []
        self.stopped: list[tuple[str, bool]] = []
        self.woken: list[tuple[str, str, WakeNote]] = []
        self.scaled: list[tuple[str, ScaleRequest]] = []
        self.states: dict[tuple[str, str], RunState] = {}
        self.routes: dict[tuple[str, str], RouteTable] = {}
        self.needing: dict[bytes, list[str]] = {}
        self.failure: Exception | None = None
        self.breaks_before_apply = False
        self.breaks_after_apply = False
        self.answer = Accepted(run="app", incarnation="life1", revision=1, replicas=1)
        self.sealed: str | None = None
        self.answers: dict[str, Accepted] = {}
        self.away = ""
        self.silent = False
        self.asked: list[str] = []

    async def problem(self) -> str:
        return self.away

    def know(self, status: RunStatus) -> None:
        self.known[status.project, status.name] = status

    async def plan(self, order: PlanOrder) -> Plan:
        if self.failure:
            raise self.failure
        self.orders.append(order)
        return Plan(project=order.project, name=order.name, action=PlanAction.CREATE, check="new")

    async def apply(self, project: str, run: str, request: ApplyRequest, key: str) -> Accepted:
        if self.breaks_before_apply:
            raise ConnectionResetError("killed before the apply")
        self.applied.append((project, run, request, key))
        if self.failure:
            raise self.failure
        sealed = request.spec.sealed if self.sealed is None else self.sealed
        self.answers[key] = self.answer.model_copy(update={"run": run, "sealed": sealed})
        if self.breaks_after_apply:
            raise ConnectionResetError("killed between the apply and its answer")
        return self.answers[key]

    async def answer_to(self, project: str, run: str, key: str) -> Accepted | None:
        return self.answers.get(key)

    async def lives(self, project: str, run: str) -> bool:
        status = self.known.get((project, run))
        return status is not None and not status.status.is_final

    async def stop(self, project: str, run: str, *, abort: bool = False) -> RunStatus:
        status = self.known.get((project, run))
        if status is None:
            raise NotFound(f"There is no run `{run}`.")
        self.stopped.append((run, abort))
        return status

    async def wake(self, project: str, run: str, note: WakeNote) -> None:
        if self.failure:
            raise self.failure
        if not await self.lives(project, run):
            raise NotFound(f"There is no run `{run}`.")
        self.woken.append((project, run, note))

    async def scale(self, project: str, run: str, request: ScaleRequest) -> RunStatus:
        status = self.known.get((project, run))
        if status is None:
            raise NotFound(f"There is no run `{run}`.")
        if self.failure:
            raise self.failure
        self.scaled.append((run, request))
        replicas = request.replicas
        override = None if replicas is None else Override(replicas=replicas)
        return status.model_copy(update={"override": override})

    async def state(self, project: str, run: str) -> RunState | None:
        if self.silent:
            raise RPCError("no worker", RPCStatusCode.DEADLINE_EXCEEDED, b"")
        self.asked.append(run)
        return self.states.get((project, run))

    async def living_by_key(self) -> dict[bytes, list[str]]:
        return self.needing

    async def status(self, project: str, run: str) -> RunStatus | None:
        return self.known.get((project, run))

    async def published(self, project: str, run: str) -> tuple[RunStatus, RouteTable] | None:
        status = await self.status(project, run)
        none = RouteTable(project=project, run=run)
        return None if status is None else (status, self.routes.get((project, run), none))

    async def living(self) -> dict[tuple[str, str], RunStatus | None]:
        if self.failure is not None:
            raise self.failure
        return dict(self.known)

    async def statuses(
        self, project: str | None = None, *, include_finished: bool = False
    ) -> list[RunStatus]:
        return [
            status
            for status in self.known.values()
            if project in (None, status.project)
            and (include_finished or not status.status.is_final)
        ]

    async def count_stuck(self) -> int:
        if self.failure is not None:
            raise self.failure
        return 0

    async def watch(self, project: str, run: str, pause: float = 0.01) -> AsyncIterator[RunStatus]:
        last = None
        while last is None or not last.status.is_final:
            if self.known[project, run] != last:
                last = self.known[project, run]
                yield last
            await asyncio.sleep(pause)
