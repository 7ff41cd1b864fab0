"""A replica is in the routes while its probes want it there, and ends when they fail for long."""

from datetime import timedelta
from typing import Any

import pytest

from policy import probing
from spec.status import EndReason, Health, ReplicaPhase, RunPhase
from tests.secrecy.search import SECRET
from tests.testbed.deadline import eventually
from tests.workflows.stage import Stage

PROBE: dict[str, Any] = {
    "type": "http",
    "url": f"/health?key={SECRET}",
    "method": "post",
    "headers": [{"name": "Authorization", "value": SECRET}],
    "body": SECRET,
    "interval": 1,
}
SAYS = "The probe `POST /health` answered 503."


async def until_routed(stage: Stage, name: str, count: int) -> None:
    async def holds() -> bool:
        state = await stage.runs.state("main", name)
        return state is not None and len(state.route.replicas) == count

    await eventually(holds, f"{count} replicas of {name} are routed")


async def test_an_unhealthy_replica_leaves_the_routes_and_comes_back(at_work: Stage) -> None:
    at_work.runtime.status = 200
    await at_work.apply("web", probes=[PROBE, PROBE | {"url": "/start", "until_ready": True}])
    (replica,) = (await at_work.until_ready("web", 1)).replicas
    assert replica.health is Health.HEALTHY
    at_work.runtime.status = 503
    await until_routed(at_work, "web", 0)
    status = await at_work.status("web")
    (replica,) = status.replicas
    assert (status.status, status.status_message) == (RunPhase.RUNNING, "0/1 ready; unhealthy")
    assert (replica.status, replica.ready) == (ReplicaPhase.RUNNING, False)
    assert (replica.health, replica.message) == (Health.UNHEALTHY, SAYS)
    at_work.runtime.status = 200
    await until_routed(at_work, "web", 1)
    status = await at_work.until_ready("web", 1)
    assert (status.status_message, status.replicas[0].message) == ("running", "")
    assert len(at_work.runtime.started) == 1
    assert (await at_work.stop("web")).status is RunPhase.TERMINATED
    assert not at_work.runtime.containers


async def test_a_replica_that_stays_unhealthy_fails_and_is_released(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "UNHEALTHY_LIMIT", timedelta(seconds=1))
    at_work.runtime.status = 200
    await at_work.apply("web", probes=[PROBE])
    await at_work.until_ready("web", 1)
    at_work.runtime.status = 503
    status = await at_work.until_ended("web")
    assert (status.status, status.reason) == (RunPhase.FAILED, EndReason.UNHEALTHY)
    assert status.status_message == "unhealthy"
    (replica,) = status.replicas
    assert (replica.status, replica.code) == (ReplicaPhase.FAILED, "unhealthy")
    assert replica.message == f"unhealthy: It was unhealthy for 0 minutes. {SAYS}"
    assert not at_work.runtime.containers


async def test_a_replica_that_comes_and_goes_all_the_time_fails(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "MOST_LAPSES", 1)
    at_work.runtime.status = 200
    await at_work.apply("web", probes=[PROBE])
    await at_work.until_ready("web", 1)
    at_work.runtime.status = 503
    await until_routed(at_work, "web", 0)
    at_work.runtime.status = 200
    await until_routed(at_work, "web", 1)
    at_work.runtime.status = 503
    status = await at_work.until_ended("web")
    assert status.reason is EndReason.UNHEALTHY
    assert "more than" in status.replicas[0].message


async def test_an_unhealthy_replica_that_is_stopped_leaves_nothing(at_work: Stage) -> None:
    at_work.runtime.status = 200
    await at_work.apply("web", probes=[PROBE])
    await at_work.until_ready("web", 1)
    at_work.runtime.status = 503
    await until_routed(at_work, "web", 0)
    status = await at_work.stop("web")
    assert (status.status, status.status_message) == (RunPhase.TERMINATED, "stopped")
    assert not at_work.runtime.containers
