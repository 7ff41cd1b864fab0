"""A workflow that cannot go on is seen by an operator: in the API's figures and in the worker's."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from api.run_metrics import RunMetrics
from policy import reconcile
from tests.testbed.deadline import eventually
from tests.workflows.bug import Bug
from tests.workflows.stage import Stage

ROOT = Path(__file__).parents[2]

FAILING = """
import asyncio, os
from datetime import timedelta
from prometheus_client import REGISTRY
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from engine.telemetry import measured
from perdure.program import leave

@workflow.defn
class Failing:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("a bug of ours")

async def main():
    async with measured():
        client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
        runner = UnsandboxedWorkflowRunner()
        async with Worker(client, task_queue="q", workflows=[Failing], workflow_runner=runner):
            await client.start_workflow(Failing.run, id="failing", task_queue="q")
            name = "temporal_workflow_task_execution_failed_total"
            while True:
                found = [
                    sample
                    for family in REGISTRY.collect()
                    for sample in family.samples
                    if sample.name == name
                ]
                if found:
                    break
                await asyncio.sleep(0.05)
            (sample,) = found
            assert sample.value >= 1 and sample.labels["workflow_type"] == "Failing", sample
            latency = [
                sample
                for family in REGISTRY.collect()
                for sample in family.samples
                if sample.name == "temporal_request_latency_bucket"
            ]
            assert {sample.labels["le"] for sample in latency} >= {"0.1", "+Inf"}
            await client.get_workflow_handle("failing").terminate()

asyncio.run(main())
leave(0)
"""


async def test_the_sdk_counts_workflow_tasks_that_fail(stage: Stage) -> None:
    script = await eventually_done([sys.executable, "-c", FAILING])
    assert script.returncode == 0, script.stderr


async def eventually_done(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.impatient
async def test_a_run_that_is_stuck_is_a_figure_of_the_api(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.run_metrics.FRESH_SECONDS", 0.0)
    figures = RunMetrics(at_work.runs)
    await at_work.apply("web")
    await at_work.until_ready("web", 1)

    async def one_runs() -> bool:
        await figures.look()
        return REGISTRY.get_sample_value("perdure_runs", {"status": "running"}) == 1

    await eventually(one_runs, "the run is listed")
    with monkeypatch.context() as patched:
        patched.setattr(reconcile, "route_table", Bug())
        await at_work.runs.handle("main", "web").cancel()

        async def is_stuck() -> bool:
            await figures.look()
            return REGISTRY.get_sample_value("perdure_workflows_stuck") == 1

        await eventually(is_stuck, "Temporal marks it")
    await at_work.until_ended("web")
