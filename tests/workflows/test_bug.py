"""A bug of our own must not delete anything: fixed, the run goes on."""

from collections.abc import Awaitable, Callable

import pytest

from engine import deeds
from policy import reconcile
from spec.status import RunPhase
from tests.testbed.deadline import eventually
from tests.workflows.stage import Stage


def broken(*given: object, **named: object) -> object:
    raise KeyError("a bug of ours")


def is_stuck(stage: Stage, workflow_id: str) -> Callable[[], Awaitable[bool]]:
    """Whether the workflow's code has failed: its task is tried again."""

    async def look() -> bool:
        described = await stage.client.get_workflow_handle(workflow_id).describe()
        return described.raw_description.pending_workflow_task.attempt > 1

    return look


@pytest.mark.impatient
async def test_a_bug_in_the_runs_policy_deletes_nothing(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    with monkeypatch.context() as patched:
        patched.setattr(reconcile, "route_table", broken)
        await at_work.runs.handle("main", "web").cancel()
        await eventually(is_stuck(at_work, "run/main/web"), "the run's task has failed")
        assert at_work.runtime.stopped == []
        assert len(at_work.runtime.containers) == 2
    assert (await at_work.until_ended("web")).status is RunPhase.TERMINATED
    assert not at_work.runtime.containers


@pytest.mark.impatient
async def test_a_bug_in_a_replica_deletes_nothing(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(deeds, "wait_ready", broken)
        await at_work.apply("web")
        state = await at_work.runs.state("main", "web")
        assert state is not None
        await eventually(is_stuck(at_work, state.records[0].id), "the replica's task has failed")
        assert at_work.runtime.stopped == []
        assert len(at_work.runtime.containers) == 1
    await at_work.until_ready("web", 1)
    assert len(at_work.runtime.started) == 1
    await at_work.stop("web", abort=True)
    assert not at_work.runtime.containers
