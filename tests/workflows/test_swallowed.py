"""A step that completes although it was cancelled: the order to leave counts all the same.

After a worker was killed, "it is done" and "leave" may come to the next worker in one task.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.worker import (
    Interceptor,
    SignalExternalWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from spec.replica import ReplicaEvent
from spec.status import RunPhase
from tests.workflows.stage import Stage, working


class SwallowingSignals(WorkflowOutboundInterceptor):
    """A signal takes until somebody cancels it, and is done then."""

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:  # noqa: A002
        await super().signal_external_workflow(input)
        event = input.args[0]
        if not isinstance(event, ReplicaEvent) or not event.ready:
            return
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            return


class SwallowingWorkflows(WorkflowInboundInterceptor):
    """Puts it in."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(SwallowingSignals(outbound))


class Swallowing(ClientInterceptor, Interceptor):
    """Of all workflows of a worker."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[WorkflowInboundInterceptor]:
        return SwallowingWorkflows


@pytest.mark.parametrize("abort", [False, True], ids=["stop", "abort"])
async def test_a_replica_that_hears_leave_with_its_readiness_leaves(
    stage: Stage, abort: bool
) -> None:
    config: dict[str, Any] = {**stage.client.config(), "interceptors": [Swallowing()]}
    async with working(replace(stage, client=Client(**config))):
        await stage.apply("web")
        await stage.until_ready("web", 1)
        async with asyncio.timeout(30):
            assert (await stage.stop("web", abort=abort)).status is RunPhase.TERMINATED
    assert stage.runtime.containers == {}
