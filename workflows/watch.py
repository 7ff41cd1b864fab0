"""The watch over a replica that was ready, from one change of its health to the next."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

from engine import deeds
from policy.ending import Ending, ending_of_exit, ending_unhealthy
from spec.deeds import Finding, MonitorOrder, MonitorReport
from spec.status import EndReason, Health

Tell = Callable[[Health, str], Awaitable[bool]]
"""Tell the run of another health, and why; whether it still lives."""

_HEALTH = {Finding.HEALTHY: Health.HEALTHY, Finding.UNHEALTHY: Health.UNHEALTHY}


class Watch:
    """Of one replica; without probes its health never changes."""

    def __init__(self, order: MonitorOrder, run: str, tell: Tell) -> None:
        self._order = order
        self._run = run
        self._tell = tell

    async def until_ended(self) -> Ending:
        """How it ended, or that its run is gone."""
        summary = f"watch {self._order.address}"
        while True:
            report = await deeds.monitor(self._order, summary=summary)
            health = _HEALTH.get(report.finding)
            if health is None:
                return self._ending(report)
            if not await self._tell(health, report.detail):
                return Ending(reason=EndReason.OWNER_GONE)
            lapses = self._order.lapses + (health is Health.UNHEALTHY)
            known = {"health": health, "since": workflow.now(), "lapses": lapses}
            self._order = self._order.model_copy(update=known)

    def _ending(self, report: MonitorReport) -> Ending:
        if report.finding is Finding.IDLE:
            return Ending(reason=EndReason.UTILIZATION, detail=report.detail)
        if report.finding is Finding.LOST:
            return ending_unhealthy(report.detail, self._run)
        if report.finding is Finding.OWNER_GONE or report.job is None:
            return Ending(reason=EndReason.OWNER_GONE)
        return ending_of_exit(report.job, self._run)
