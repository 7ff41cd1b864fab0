"""Monitoring: a replica is watched until it ends, its health changes, or its run is gone."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from temporalio import activity
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.probing import Probing
from backends.base import Backend
from engine import deeds, ids
from engine.memory import recalled, remember
from hosts.base import Runtime
from policy.probing import Probed, begun
from policy.utilization import in_words, is_over, looked
from spec.deeds import Finding, Idleness, MonitorOrder, MonitorReport
from spec.status import Health


class Monitors:
    """One wait at the runtime, the replica's probes, and now and then a look at the owner."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        client: Client,
        owner_check: float,
        gpu_check: float = 60.0,
    ) -> None:
        """Seconds between two looks: at the owner, and at how much GPUs are used."""
        self._backends = backends
        self._client = client
        self._owner_check = owner_check
        self._gpu_check = gpu_check

    @deeds.monitor.implemented
    async def monitor(self, order: MonitorOrder) -> MonitorReport:
        """Return only on the job's end, another health, or when the owner's life is over."""
        runtime = await self._backends[order.instance.backend].runtime(order.instance.host)
        ending = asyncio.ensure_future(runtime.wait(order.instance.token))
        probing = asyncio.ensure_future(_changed(order))
        idling = asyncio.ensure_future(self._idle(order, runtime))
        try:
            while True:
                await asyncio.wait(
                    {ending, probing, idling},
                    timeout=self._owner_check,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if ending.done():
                    return MonitorReport(finding=Finding.ENDED, job=ending.result())
                if probing.done():
                    return _report(probing.result())
                if idling.done():
                    return MonitorReport(finding=Finding.IDLE, detail=idling.result())
                if await self._is_gone(order):
                    return MonitorReport(finding=Finding.OWNER_GONE)
        finally:
            tasks = (ending, probing, idling)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _idle(self, order: MonitorOrder, runtime: Runtime) -> str:
        """Return when its GPUs have been idle for as long as they may; without a policy, never."""
        policy = order.utilization
        if policy is None:
            await asyncio.Event().wait()
        assert policy is not None
        idle = recalled(Idleness) or Idleness(busy_at=datetime.now(UTC))
        while not is_over(idle, policy, datetime.now(UTC)):
            remember(idle)
            await asyncio.sleep(self._gpu_check)
            idle = looked(idle, await runtime.utilization(), order, datetime.now(UTC))
        return in_words(policy)

    async def _is_gone(self, order: MonitorOrder) -> bool:
        """Closed, or the name lives another life. Temporal in trouble is no proof."""
        try:
            owner = await self._client.get_workflow_handle(order.owner).describe()
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        info = owner.raw_description.workflow_execution_info
        running = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
        return info.status != running or ids.incarnation(info.first_run_id) != order.incarnation


async def _changed(order: MonitorOrder) -> Probed:
    """What the probes say once that is another thing; without probes, nothing ever.

    A healthy replica has just been asked, unless this goes on with what another worker began.
    """
    if not order.probes:
        await asyncio.Event().wait()
    since = order.since or datetime.now(UTC)
    probing = Probing(order.address, begun(order.probes, order.health, since, order.lapses))
    taken_over = activity.info().attempt > 1
    return await probing.until_changed(at_once=taken_over or order.health is Health.UNHEALTHY)


def _report(probed: Probed) -> MonitorReport:
    if probed.is_lost:
        return MonitorReport(finding=Finding.LOST, detail=probed.loss)
    finding = Finding.HEALTHY if probed.health is Health.HEALTHY else Finding.UNHEALTHY
    return MonitorReport(finding=finding, detail=probed.detail)
