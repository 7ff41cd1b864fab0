"""A replica is watched until it ends, or its probes say something else than before."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.monitoring import Monitors
from backends.local import LocalBackend
from policy.probing import FAILURES, MOST_LAPSES, UNHEALTHY_LIMIT
from spec.deeds import Finding, Instance, MonitorOrder
from spec.job import Job, JobLabels
from spec.probe import Probe
from spec.profile import UtilizationPolicy
from spec.status import Health
from store.store import Store
from tests.activities.http_server import http_server
from tests.testbed.deadline import eventually
from tests.workflows.runtime import SocketRuntime

LABELS = JobLabels(server="s", project="main", run="web", replica="r0")
JOB = Job(token="t-1", labels=LABELS, port=8000)
HOUR = 3600.0


@pytest.fixture
async def monitors(store: Store, runtime: SocketRuntime) -> Monitors:
    """With a Temporal that is not asked within a test."""
    await runtime.start(JOB)
    client = await Client.connect("127.0.0.1:1", lazy=True)
    return Monitors({"local": LocalBackend(runtime, store.gpus)}, client, owner_check=HOUR)


def probe(url: str = "/health", interval: float = 0) -> Probe:
    """Asked again at once, unlike those of users."""
    given = Probe.model_validate({"type": "http", "url": url})
    return given.model_copy(update={"interval": interval})


def order(address: str, *probes: Probe, **values: Any) -> MonitorOrder:
    return MonitorOrder(
        instance=Instance(token="t-1", backend="local"),
        owner="run/main/web",
        incarnation="0123456789ab",
        address=address,
        probes=probes or (probe(),),
        **values,
    )


async def test_a_healthy_replica_that_fails_is_unhealthy(
    environment: ActivityEnvironment, monitors: Monitors
) -> None:
    async with http_server(200, 503) as requests:
        report = await environment.run(monitors.monitor, order(requests.address))
    assert report.finding is Finding.UNHEALTHY
    assert report.detail == "The probe `GET /health` answered 503."
    assert len(requests.paths) == 1 + FAILURES


async def test_an_unhealthy_replica_that_passes_is_healthy_again(
    environment: ActivityEnvironment, monitors: Monitors
) -> None:
    known: dict[str, Any] = {"health": Health.UNHEALTHY, "since": datetime.now(UTC)}
    async with http_server(503, 503, 200) as requests:
        report = await environment.run(monitors.monitor, order(requests.address, **known))
    assert (report.finding, report.detail) == (Finding.HEALTHY, "")


async def test_one_that_was_unhealthy_for_too_long_is_lost(
    environment: ActivityEnvironment, monitors: Monitors
) -> None:
    known: dict[str, Any] = {
        "health": Health.UNHEALTHY,
        "since": datetime.now(UTC) - UNHEALTHY_LIMIT,
    }
    async with http_server(503) as requests:
        report = await environment.run(monitors.monitor, order(requests.address, **known))
    assert (report.finding, len(requests.paths)) == (Finding.LOST, 1)
    assert report.detail.startswith("It was unhealthy for 5 minutes. The probe `GET /health`")


async def test_one_that_became_unhealthy_too_often_is_lost(
    environment: ActivityEnvironment, monitors: Monitors
) -> None:
    async with http_server(503) as requests:
        asked = order(requests.address, lapses=MOST_LAPSES)
        report = await environment.run(monitors.monitor, asked)
    assert (report.finding, len(requests.paths)) == (Finding.LOST, FAILURES)
    assert report.detail.startswith("It became unhealthy more than 500 times.")


async def test_a_replica_that_has_just_passed_is_left_alone_for_an_interval(
    environment: ActivityEnvironment, monitors: Monitors, runtime: SocketRuntime
) -> None:
    probes = (probe(interval=HOUR), probe("/often"))
    async with http_server(200) as requests:
        asked = order(requests.address, *probes)
        watching = asyncio.ensure_future(environment.run(monitors.monitor, asked))
        await eventually(lambda: len(requests.paths) > FAILURES, "the other is asked")
        runtime.containers["t-1"].end(3)
        report = await watching
    assert {*requests.paths} == {"/often"}
    assert report.finding is Finding.ENDED
    assert report.job is not None
    assert report.job.exit_code == 3


@pytest.mark.parametrize(("attempt", "health"), [(2, Health.HEALTHY), (1, Health.UNHEALTHY)])
async def test_one_that_was_taken_over_or_is_unhealthy_is_asked_at_once(
    environment: ActivityEnvironment,
    monitors: Monitors,
    runtime: SocketRuntime,
    attempt: int,
    health: Health,
) -> None:
    environment.info = replace(environment.info, attempt=attempt)
    async with http_server(503) as requests:
        asked = order(
            requests.address, probe(interval=HOUR), health=health, since=datetime.now(UTC)
        )
        watching = asyncio.ensure_future(environment.run(monitors.monitor, asked))
        await eventually(lambda: requests.paths == ["/health"], "it is asked")
        runtime.containers["t-1"].end(0)
        assert (await watching).finding is Finding.ENDED


async def test_without_probes_only_its_end_is_told(
    environment: ActivityEnvironment, monitors: Monitors, runtime: SocketRuntime
) -> None:
    async with http_server(503) as requests:
        asked = order(requests.address).model_copy(update={"probes": ()})
        watching = asyncio.ensure_future(environment.run(monitors.monitor, asked))
        runtime.containers["t-1"].end(0)
        assert (await watching).finding is Finding.ENDED
        assert requests.paths == []


async def test_a_replica_whose_gpus_are_idle_for_the_whole_window_is_told(
    environment: ActivityEnvironment, store: Store, runtime: SocketRuntime
) -> None:
    await runtime.start(JOB)
    runtime.utilized = {"GPU-0": 3}
    client = await Client.connect("127.0.0.1:1", lazy=True)
    backends = {"local": LocalBackend(runtime, store.gpus)}
    monitors = Monitors(backends, client, owner_check=HOUR, gpu_check=0.01)
    policy = UtilizationPolicy(min_gpu_utilization=10, time_window=300)
    brief = policy.model_copy(update={"time_window": 0.1})
    watched = MonitorOrder(
        instance=Instance(token="t-1", backend="local", gpus=("GPU-0",)),
        owner="run/main/web",
        incarnation="0123456789ab",
        utilization=brief,
    )
    report = await environment.run(monitors.monitor, watched)
    assert report.finding is Finding.IDLE
    assert report.detail.startswith("No GPU of it was used by 10 %")
