"""Figures of runs: asked of Temporal when somebody looks, and not more often than needed."""

import asyncio
import time

from prometheus_client import Gauge
from temporalio.service import RPCError

from engine.runs import Runs

FRESH_SECONDS = 5.0
"""For which an answer does for others who look."""
PATIENCE_SECONDS = 2.0

RUNS = Gauge("perdure_runs", "Living runs, by status. Each API process tells all.", ["status"])
STUCK = Gauge(
    "perdure_workflows_stuck",
    "Living workflows whose tasks fail again and again: by a mistake of ours, nothing goes on.",
)
TEMPORAL_UP = Gauge("perdure_api_temporal_up", "Whether Temporal answered when it was last asked.")


class RunMetrics:
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
        RUNS.clear()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                statuses = await self._runs.statuses()
                stuck = await self._runs.count_stuck()
        except (RPCError, TimeoutError):
            TEMPORAL_UP.set(0)
            STUCK.set(float("nan"))
            return
        for status in statuses:
            RUNS.labels(status.status.value).inc()
        STUCK.set(stuck)
        TEMPORAL_UP.set(1)
