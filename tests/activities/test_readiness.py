"""A replica is ready when its own port answers and its probes pass, an old model when listed."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import readiness
from activities.readiness import Readinesses
from backends.local import LocalBackend
from spec.deeds import Instance, Readiness, ReadyOrder
from spec.job import Job, JobLabels, JobPhase
from spec.probe import Probe
from store.store import Store
from tests.activities.http_server import http_server
from tests.testbed.deadline import eventually
from tests.workflows.runtime import SocketRuntime

INSTANCE = Instance(token="t-1", backend="local")
JOB = Job(
    token="t-1",
    labels=JobLabels(server="s", project="main", run="web", replica="r0"),
    port=8000,
)

HOUR = 3600.0


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
async def readinesses(store: Store, runtime: SocketRuntime) -> Readinesses:
    await runtime.start(JOB)
    return Readinesses({"local": LocalBackend(runtime, store.gpus)}, limit=HOUR)


def order(
    address: str, model_path: str | None = None, probes: tuple[Probe, ...] = ()
) -> ReadyOrder:
    return ReadyOrder(
        instance=INSTANCE, address=address, port=8000, model_path=model_path, probes=probes
    )


def probe(**properties: Any) -> Probe:
    given = Probe.model_validate({"type": "http", "url": "/health"} | properties)
    return given.model_copy(update={"interval": 0})


async def test_an_open_port_is_ready(
    environment: ActivityEnvironment, readinesses: Readinesses, runtime: SocketRuntime
) -> None:
    address = runtime.containers["t-1"].state.address
    assert await environment.run(readinesses.wait_ready, order(address)) == Readiness()


async def test_a_model_is_ready_when_its_list_answers_200(
    environment: ActivityEnvironment, readinesses: Readinesses
) -> None:
    async with http_server(503, 404, 200) as requests:
        asked = order(requests.address, "/v1/models")
        assert await environment.run(readinesses.wait_ready, asked) == Readiness()
    assert requests.paths == ["/v1/models"] * 3


async def test_with_probes_it_is_ready_when_all_have_passed(
    environment: ActivityEnvironment, readinesses: Readinesses
) -> None:
    probes = (probe(ready_after=2), probe(url="/start", until_ready=True))
    async with http_server(503, 503, 200) as requests:
        asked = order(requests.address, probes=probes)
        assert await environment.run(readinesses.wait_ready, asked) == Readiness()
    assert {*requests.paths} == {"/health", "/start"}
    assert len(requests.paths) >= 2 + 2 + 1


async def test_probes_begin_when_the_port_is_open(
    environment: ActivityEnvironment, store: Store, runtime: SocketRuntime
) -> None:
    await runtime.start(JOB)
    hasty = Readinesses({"local": LocalBackend(runtime, store.gpus)}, limit=0)
    with pytest.raises(ApplicationError, match="the port 8000 is closed"):
        await environment.run(hasty.wait_ready, order(closed_port(), probes=(probe(),)))


async def test_a_probe_that_never_passes_is_named_with_its_last_answer(
    environment: ActivityEnvironment, readinesses: Readinesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "ANSWER_TIME", 0.5)
    begun = {"since": datetime.now(UTC) - timedelta(seconds=HOUR)}
    async with http_server(404, 503) as requests:
        asked = order(requests.address, probes=(probe(url="/health?key=s3cret"),))
        with pytest.raises(ApplicationError) as caught:
            await environment.run(readinesses.wait_ready, asked.model_copy(update=begun))
    assert caught.value.message == (
        "After 3600 s it was not ready: The probe `GET /health` answered 503."
    )
    assert (caught.value.type, caught.value.non_retryable) == ("NotReadyInTime", True)


async def test_what_ends_while_it_is_probed_is_told_with_its_exit_code(
    environment: ActivityEnvironment, readinesses: Readinesses, runtime: SocketRuntime
) -> None:
    async with http_server(503) as requests:
        asked = order(requests.address, probes=(probe(),))
        waiting = asyncio.ensure_future(environment.run(readinesses.wait_ready, asked))
        await eventually(lambda: len(requests.paths) > 1, "it is probed")
        runtime.containers["t-1"].end(3)
        found = await waiting
    assert found.ended is not None
    assert found.ended.exit_code == 3


@pytest.mark.parametrize(
    ("path", "message"),
    [(None, "the port 8000 is closed"), ("/v1/models", "`/v1/models` did not answer")],
)
async def test_what_never_answers_is_not_ready_in_time_over_all_attempts(
    environment: ActivityEnvironment, readinesses: Readinesses, path: str | None, message: str
) -> None:
    begun = {"since": datetime.now(UTC) - timedelta(seconds=HOUR)}
    asked = order(closed_port(), path).model_copy(update=begun)
    with pytest.raises(ApplicationError, match=f"After 3600 s .*{message}") as caught:
        await environment.run(readinesses.wait_ready, asked)
    assert (caught.value.type, caught.value.non_retryable) == ("NotReadyInTime", True)


async def test_an_order_of_an_older_version_counts_from_its_attempt(
    environment: ActivityEnvironment, store: Store, runtime: SocketRuntime
) -> None:
    await runtime.start(JOB)
    hasty = Readinesses({"local": LocalBackend(runtime, store.gpus)}, limit=0)
    with pytest.raises(ApplicationError, match="is closed"):
        await environment.run(hasty.wait_ready, order(closed_port()))


async def test_what_ends_before_it_answers_is_told_with_its_exit_code(
    environment: ActivityEnvironment, readinesses: Readinesses, runtime: SocketRuntime
) -> None:
    runtime.containers["t-1"].end(3)
    found = await environment.run(readinesses.wait_ready, order(closed_port()))
    assert found.ended is not None
    assert (found.ended.phase, found.ended.exit_code) == (JobPhase.EXITED, 3)
