"""Figures of all runs, as Prometheus reads them from an API process."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from api.run_gauges import OF_RUNS, RunGauges
from spec.replica import ReplicaStatus
from spec.run_status import RunStatus
from spec.status import ReplicaPhase, RunPhase
from tests.api.fake_runs import FakeRuns, run_status


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("api.run_gauges.FRESH_SECONDS", 0.0)
    yield
    for gauge in OF_RUNS:
        gauge.clear()


def costing(*prices: float | None) -> RunStatus:
    replicas = tuple(
        ReplicaStatus(
            num=num, status=ReplicaPhase.RUNNING, deployment=1, backend="local", price=price
        )
        for num, price in enumerate(prices)
    )
    return run_status("app").model_copy(update={"replicas": replicas, "desired": 3, "ready": 2})


def told(name: str, run: str = "main/app") -> float | None:
    return REGISTRY.get_sample_value(f"perdure_run_{name}", {"run": run})


async def test_each_living_run_tells_its_replicas_and_its_cost(runs: FakeRuns) -> None:
    runs.know(costing(0.5, 0.25))
    runs.know(run_status("over", RunPhase.DONE))
    await RunGauges(runs).look()
    assert (told("replicas_desired"), told("replicas_ready")) == (3, 2)
    assert told("cost_usd_per_hour") == 0.75
    assert told("replicas_desired", "main/over") is None
    assert REGISTRY.get_sample_value("perdure_runs", {"status": "running"}) == 1


async def test_a_cost_that_is_unknown_is_left_out(runs: FakeRuns) -> None:
    gauges = RunGauges(runs)
    runs.know(costing(0.5))
    await gauges.look()
    runs.know(costing(0.5, None))
    await gauges.look()
    assert told("cost_usd_per_hour") is None
    assert told("replicas_ready") == 2


async def test_a_run_that_has_ended_has_no_figures_any_more(runs: FakeRuns) -> None:
    gauges = RunGauges(runs)
    runs.know(costing(0.5))
    await gauges.look()
    runs.know(run_status("app", RunPhase.DONE))
    await gauges.look()
    assert told("replicas_desired") is None


async def test_without_temporal_there_are_no_figures_of_runs(
    runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent() -> list[RunStatus]:
        raise TimeoutError

    gauges = RunGauges(runs)
    runs.know(costing(0.5))
    await gauges.look()
    assert REGISTRY.get_sample_value("perdure_api_temporal_up") == 1
    monkeypatch.setattr(runs, "statuses", silent)
    await gauges.look()
    assert REGISTRY.get_sample_value("perdure_api_temporal_up") == 0
    assert told("replicas_desired") is None
