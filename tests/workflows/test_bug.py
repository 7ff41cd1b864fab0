"""A bug of our own must not delete anything: fixed, the run goes on."""

import pytest

from engine import deeds
from policy import reconcile
from spec.status import RunPhase
from tests.testbed.deadline import eventually
from tests.workflows.bug import Bug
from tests.workflows.stage import Stage


@pytest.mark.impatient
async def test_a_bug_in_the_runs_policy_deletes_nothing(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at_work.apply("web", replicas=2)
    await at_work.until_ready("web", 2)
    with monkeypatch.context() as patched:
        patched.setattr(reconcile, "route_table", bug := Bug())
        await at_work.runs.handle("main", "web").cancel()
        await eventually(bug.is_met_again, "the run's task has failed")
        assert at_work.runtime.stopped == []
        assert len(at_work.runtime.containers) == 2
    assert (await at_work.until_ended("web")).status is RunPhase.TERMINATED
    assert not at_work.runtime.containers


@pytest.mark.impatient
async def test_a_bug_in_a_replica_deletes_nothing(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(deeds, "wait_ready", bug := Bug())
        await at_work.apply("web")
        await eventually(bug.is_met_again, "the replica's task has failed")
        assert at_work.runtime.stopped == []
        assert len(at_work.runtime.containers) == 1
    await at_work.until_ready("web", 1)
    assert len(at_work.runtime.started) == 1
    await at_work.stop("web", abort=True)
    assert not at_work.runtime.containers
