"""Who reaches Temporal's port without our keys cannot make a run do anything."""

import os
from datetime import timedelta

import pytest
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)

from engine.ids import Message, Queue, WorkflowType
from spec.names import run_id
from spec.run import ApplyRequest, RunStart, RunState, StopRequest
from spec.run_spec import RunSpec
from spec.sealed import SealedValues
from spec.status import RunPhase
from tests.testbed.deadline import eventually
from tests.workflows.stage import Stage, service

START = RunStart(project="main", name="mine")
APPLY = ApplyRequest(spec=RunSpec(configuration=service(commands=["env"]), sealed="stolen"))


@pytest.fixture
async def stranger(at_work: Stage) -> Client:
    """Somebody on this machine."""
    return await Client.connect(os.environ["TEMPORAL_ADDRESS"])


async def state(stage: Stage) -> RunState:
    """What the run is, but for the decisions that are on their way to the store."""
    state = await stage.runs.state("main", "web")
    assert state is not None
    return state.model_copy(update={"decisions": ()})


async def test_updates_of_a_stranger_are_refused(at_work: Stage, stranger: Client) -> None:
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    handle = stranger.get_workflow_handle(run_id("main", "web"))
    before = await state(at_work)
    for message, value in ((Message.APPLY, APPLY), (Message.STOP, StopRequest())):
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(message, value.model_dump(mode="json"))
    assert await state(at_work) == before
    assert (await at_work.stop("web")).status is RunPhase.TERMINATED


async def test_a_run_that_a_stranger_starts_does_nothing(at_work: Stage, stranger: Client) -> None:
    handle = await stranger.start_workflow(
        WorkflowType.RUN,
        START.model_dump(mode="json"),
        id=run_id("main", "mine"),
        task_queue=Queue.CONTROL,
        execution_timeout=timedelta(seconds=20),
    )
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await handle.execute_update(
            Message.APPLY, APPLY.model_dump(mode="json"), rpc_timeout=timedelta(seconds=2)
        )
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    assert len(at_work.runtime.containers) == 1

    async def is_alone() -> bool:
        return [status.name for status in await at_work.runs.statuses()] == ["web"]

    await eventually(is_alone, "the list has the other run only")
    await handle.terminate()


async def test_sealed_values_stay_with_their_run(at_work: Stage) -> None:
    """Another run's envelope, in a specification that is sealed as it should be."""
    await at_work.store.envelopes.put("theirs", "main", "other", SealedValues(env={"A": "b"}))
    await at_work.apply("web", sealed="theirs")
    ended = await at_work.until_ended("web")
    assert ended.status is RunPhase.FAILED
    assert at_work.runtime.containers == {}
