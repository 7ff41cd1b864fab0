"""A run that began with one version is taken over, alive, by the next one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from temporalio.api.enums.v1 import EventType

import workflows
from engine.client import codec
from spec.status import RunPhase
from tests.testbed.deadline import eventually
from tests.workflows.later import CarelessReplica, LaterPatch, PatchedReplica
from tests.workflows.recording import patches_of
from tests.workflows.stage import Stage, replay_all, working
from workflows.plan import PlanWorkflow
from workflows.replica import ReplicaWorkflow
from workflows.run import RunWorkflow

TASK_DONE = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


@asynccontextmanager
async def version(stage: Stage, number: str, replica: type[ReplicaWorkflow]) -> AsyncIterator[None]:
    """A worker of that version; it ends in order, as for an upgrade."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workflows, "ALL", (PlanWorkflow, replica, RunWorkflow))
        patched.setattr("worker.pollers.__version__", number)
        async with working(stage):
            yield


async def replicas(stage: Stage, run: str) -> list[str]:
    """The ids of its replicas' workflows."""
    state = await stage.runs.state("main", run)
    assert state is not None
    return [record.id for record in state.records]


async def patches(stage: Stage, workflow_id: str) -> set[str]:
    return patches_of(await stage.client.get_workflow_handle(workflow_id).fetch_history())


async def builds(stage: Stage, workflow_id: str) -> set[str]:
    """The versions of the workers that have done its tasks."""
    history = await stage.client.get_workflow_handle(workflow_id).fetch_history()
    return {
        event.workflow_task_completed_event_attributes.worker_version.build_id
        for event in history.events
        if event.event_type == TASK_DONE
    }


async def test_what_began_before_goes_on_with_its_old_steps_and_what_begins_takes_the_new(
    stage: Stage,
) -> None:
    async with version(stage, "1", ReplicaWorkflow):
        await stage.apply("web")
        await stage.until_ready("web", 1)
    async with version(stage, "2", PatchedReplica):
        await stage.apply("web", replicas=2)
        await stage.until_ready("web", 2)
        old, new = await replicas(stage, "web")
        assert len(stage.runtime.started) == 2, "nothing was started again"
        assert await patches(stage, old) == set()
        assert await patches(stage, new) == {LaterPatch.ASK_TWICE}
        assert (await stage.stop("web")).status is RunPhase.TERMINATED
        assert not stage.runtime.containers
        assert await builds(stage, old) == await builds(stage, "run/main/web") == {"1", "2"}
        assert await builds(stage, new) == {"2"}
        assert await replay_all(stage.client, codec(stage.settings)) == 3


def is_stuck(stage: Stage, workflow_id: str) -> Callable[[], Awaitable[bool]]:
    """Whether the workflow's task is tried again: its code has failed, or was slow."""

    async def look() -> bool:
        described = await stage.client.get_workflow_handle(workflow_id).describe()
        return described.raw_description.pending_workflow_task.attempt > 1

    return look


@pytest.mark.impatient
async def test_a_version_that_forgot_the_old_steps_deletes_nothing_and_the_next_one_goes_on(
    stage: Stage,
) -> None:
    async with version(stage, "1", ReplicaWorkflow):
        await stage.apply("web")
        await stage.until_ready("web", 1)
        (replica,) = await replicas(stage, "web")
    async with version(stage, "2", CarelessReplica):
        await stage.runs.stop("main", "web")
        await eventually(is_stuck(stage, replica), "its history does not fit the code")
        assert stage.runtime.stopped == []
        assert len(stage.runtime.containers) == 1
    async with version(stage, "3", PatchedReplica):
        assert (await stage.until_ended("web")).status is RunPhase.TERMINATED
        assert not stage.runtime.containers
        assert await builds(stage, replica) == {"1", "3"}
