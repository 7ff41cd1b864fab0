"""Figures of runs: asked of Temporal when somebody looks, and not more often than needed."""

import asyncio
import time

from prometheus_client import Gauge
from temporalio.service import RPCError

from engine.runs import Runs
from spec.cost import cost_per_hour
from spec.run_status import RunStatus

FRESH_SECONDS = 5.0
"""For which an answer does for others who look."""
PATIENCE_SECONDS = 2.0

RUNS = Gauge("perdure_runs", "Living runs, by status. Each API process tells all.", ["status"])
DESIRED = Gauge("perdure_run_replicas_desired", "Replicas that a living run wants.", ["run"])
READY = Gauge("perdure_run_replicas_ready", "Its replicas that are ready.", ["run"])
COST = Gauge(
    "perdure_run_cost_usd_per_hour",
    "What its living replicas cost now; left out when the price of one is unknown.",
    ["run"],
)
STUCK = Gauge(
    "perdure_workflows_stuck",
    "Living workflows whose tasks fail again and again: by a mistake of ours, nothing goes on.",
)
TEMPORAL_UP = Gauge("perdure_api_temporal_up", "Whether Temporal answered when it was last asked.")

OF_RUNS = (RUNS, DESIRED, READY, COST)


class RunGauges:
    """Keeps the gauges; without Temporal they are without a value."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._asked_at: float | None = None

    async def look(self) -> None:
        """Ask, unless that was done a moment ago."""
        now = time.monotonic()
        if self._asked_at is not None and now - self._asked_at < FRESH_SECONDS:
            return
        self._asked_at = now
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                statuses = await self._runs.statuses()
                stuck = await self._runs.count_stuck()
        except (RPCError, TimeoutError):
            _forget()
            TEMPORAL_UP.set(0)
            STUCK.set(float("nan"))
            return
        _forget()
        for status in statuses:
            _tell(status)
        STUCK.set(stuck)
        TEMPORAL_UP.set(1)


def _tell(status: RunStatus) -> None:
    run, cost = f"{status.project}/{status.name}", cost_per_hour(status.replicas)
    RUNS.labels(status.status.value).inc()
    DESIRED.labels(run).set(status.desired)
    READY.labels(run).set(status.ready)
    if cost is not None:
        COST.labels(run).set(cost)


def _forget() -> None:
    for gauge in OF_RUNS:
        gauge.clear()
