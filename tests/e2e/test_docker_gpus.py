"""GPUs for containers, on a machine that is said to have some: the engine only passes them on."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

import tests.spec
from api.submissions import strip
from backends.local import HOST, LocalBackend
from engine.client import codec, connect
from engine.runs import Runs
from hosts.docker import DockerRuntime
from hosts.machine import this_machine
from perdure.settings import Settings
from spec.machine import Machine, RuntimeKind
from spec.reader import read_configuration
from spec.run import ApplyRequest
from spec.run_spec import RunSpec
from spec.run_status import RunStatus
from spec.status import RunPhase
from spec.submission import Submission
from store.setup import set_up
from store.store import Store, open_store
from tests.e2e.containers import containers
from tests.plans.machine import gpus
from tests.testbed.deadline import eventually
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE
from tests.workflows.stage import PROJECT, temporal_server
from worker.implementations import make_implementations
from worker.pollers import pollers

SEED = Path(tests.spec.__file__).with_name("seed") / "resources.dstack.yml"
THREE_A100 = gpus("A100", 80, count=3)


@dataclass
class Worker:
    """A worker of ours, and what it works for."""

    runs: Runs
    store: Store

    async def apply(self, name: str) -> None:
        """Apply what the documentation asks for, with an application that needs no GPU."""
        request = ApplyRequest(spec=two_gpus(name))
        await self.runs.apply(PROJECT, name, request, key=str(uuid.uuid4()))

    async def until(self, name: str, phase: RunPhase) -> RunStatus:
        """Wait until the run is so far, and ready where it runs."""
        status: RunStatus | None = None

        async def holds() -> bool:
            nonlocal status
            status = await self.runs.status(PROJECT, name)
            if status is None or status.status is not phase:
                return False
            return phase is not RunPhase.RUNNING or status.ready == 1

        await eventually(holds, f"{name} is {phase}")
        assert status is not None
        return status


def two_gpus(name: str) -> RunSpec:
    """The file with its GPUs, a program of ours, and the disk that a test machine has."""
    asked = read_configuration(SEED.read_text(), SEED.name)
    resources = asked.resources.model_copy(update={"disk": None})
    served = asked.model_copy(
        update={
            "image": BASE_IMAGE,
            "python": None,
            "commands": ("python3 -m http.server",),
            "resources": resources,
            "stop_duration": 1,
        }
    )
    return strip(Submission(configuration=served), PROJECT, name, bytes(32)).spec


def with_gpus(folder: Path) -> Machine:
    """This machine, and what it lacks."""
    return this_machine(RuntimeKind.DOCKER, folder).model_copy(update={"gpus": THREE_A100})


@pytest.fixture
async def worker(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Worker]:
    settings = Settings(data_dir=tmp_path / "data", owner_check=0.5)
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    async with (
        temporal_server(tmp_path) as server,
        open_store(settings) as store,
        DockerRuntime(
            engine.url, await store.installation.id(), store.addresses, survey=with_gpus
        ) as runtime,
        AsyncExitStack() as running,
    ):
        address = server.client.service_client.config.target_host
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        client = await connect(codec(settings))
        backend = LocalBackend(runtime, store.gpus)
        implementations = make_implementations(settings, client, store, {backend.name: backend})
        for each in pollers(
            client, implementations, max_cached=100, sticky_timeout=timedelta(seconds=1)
        ):
            await running.enter_async_context(each)
        yield Worker(Runs(client), store)
        for token in await runtime.tokens():
            await runtime.remove(token)


async def test_a_replica_has_the_gpus_that_it_asked_for_to_itself(
    worker: Worker, engine: Engine
) -> None:
    await worker.apply("first")
    status = await worker.until("first", RunPhase.RUNNING)
    assert status.replicas[0].resources is not None
    assert status.replicas[0].resources.endswith("A100:80GB:2")
    (container,) = json.loads(engine.docker("inspect", *containers(engine, "first")))
    (request,) = container["HostConfig"]["DeviceRequests"]
    given = set(request["DeviceIDs"])
    assert len(given) == 2
    assert given < {gpu.id for gpu in THREE_A100}
    assert request["Capabilities"] == [["gpu"]]
    assert {"DSTACK_GPUS_NUM=2", "DSTACK_GPUS_PER_NODE=2"} <= set(container["Config"]["Env"])

    await worker.apply("second")
    refused = await worker.until("second", RunPhase.FAILED)
    assert refused.status_message == "no capacity"
    assert "`gpu: 80GB:2` is asked for, it has A100:80GB free" in refused.replicas[0].message
    assert set(await worker.store.gpus.claimed(HOST)) == given

    await worker.runs.stop(PROJECT, "first")
    await worker.runs.ended(PROJECT, "first")
    assert await worker.store.gpus.claimed(HOST) == {}
    await worker.apply("second")
    await worker.until("second", RunPhase.RUNNING)
    await worker.runs.stop(PROJECT, "second", abort=True)
    await worker.runs.ended(PROJECT, "second")
    assert containers(engine, "second") == []
