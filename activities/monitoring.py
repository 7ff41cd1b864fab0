"""Monitoring: a running replica is watched until it ends, or its run is gone."""

import asyncio
from collections.abc import Mapping

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from backends.base import Backend
from engine import deeds, ids
from spec.deeds import Finding, MonitorOrder, MonitorReport


class Monitors:
    """One wait at the runtime, and now and then a look at the owner."""

    def __init__(self, backends: Mapping[str, Backend], client: Client, owner_check: float) -> None:
        """`owner_check` in seconds between two looks."""
        self._backends = backends
        self._client = client
        self._owner_check = owner_check

    @deeds.monitor.implemented
    async def monitor(self, order: MonitorOrder) -> MonitorReport:
        """Return only on the job's end, or when the owner's life is over."""
        runtime = await self._backends[order.instance.backend].runtime(order.instance.host)
        ending = asyncio.ensure_future(runtime.wait(order.instance.token))
        try:
            while True:
                done, _ = await asyncio.wait({ending}, timeout=self._owner_check)
                if done:
                    return MonitorReport(finding=Finding.ENDED, job=ending.result())
                if await self._is_gone(order):
                    return MonitorReport(finding=Finding.OWNER_GONE)
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    async def _is_gone(self, order: MonitorOrder) -> bool:
        """Closed, or the name lives another life. Temporal in trouble is no proof."""
        try:
            owner = await self._client.get_workflow_handle(order.owner).describe()
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        info = owner.raw_description.workflow_execution_info
        running = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
        return info.status != running or ids.incarnation(info.first_run_id) != order.incarnation
