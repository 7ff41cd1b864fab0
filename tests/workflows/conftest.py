"""The stage of each scenario: with a workflow cache, and without one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine.client import codec, connect
from engine.runs import Runs
from perdure.keys import create_secret
from perdure.settings import Settings
from store.setup import set_up
from store.store import open_store
from tests.secrecy.search import CANARIES, SECRET, leaks, misplaced_keys
from tests.workflows import commands, steps
from tests.workflows.recording import NEXT, Recorder
from tests.workflows.runtime import SocketRuntime
from tests.workflows.stage import (
    IMPATIENCE,
    INTERNAL_KEY,
    MASTER_KEY,
    PROJECT,
    Stage,
    histories,
    replay_all,
    sealing,
    temporal_server,
    working,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-histories",
        action="store_true",
        help="keep the workflow histories of all scenarios for later versions to replay",
    )


@pytest.fixture(scope="session")
def recorder(request: pytest.FixtureRequest) -> Iterator[Recorder | None]:
    """Keeps histories, when it was asked for; those of no release are dropped before."""
    if not request.config.getoption("record_histories", default=False):
        yield None
        return
    made = Recorder()
    made.forget()
    yield made
    steps.FILE.write_text(steps.render())
    if NEXT.exists():
        (NEXT / commands.NAME).write_text(commands.render(NEXT))


@pytest.fixture
async def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Stage]:
    """A server and a store, without a worker."""
    impatient = request.node.get_closest_marker("impatient") is not None
    settings = Settings(
        data_dir=tmp_path / "data", owner_check=0.5, start_timeout=20, watch_tick=0.1
    )
    settings.data.create()
    create_secret(settings.master_key_path, MASTER_KEY)
    create_secret(settings.data.internal_key, INTERNAL_KEY)
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    config = IMPATIENCE if impatient else ()
    async with temporal_server(tmp_path, config) as server, open_store(settings) as store:
        address = server.client.service_client.config.target_host
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        client = await connect(codec(settings))
        await store.secrets.set(PROJECT, "CANARY", SECRET)
        runtime = SocketRuntime()
        yield Stage(
            client=client,
            runs=Runs(client),
            runtime=runtime,
            store=store,
            settings=settings,
            database=tmp_path / "temporal.db",
            server=server,
        )
        for token in tuple(runtime.containers):
            await runtime.remove(token)
    assert leaks(tmp_path, "*", CANARIES) == []
    assert misplaced_keys(tmp_path, settings.data, settings.master_key_path) == []


@pytest.fixture(
    params=[
        pytest.param(1_000, id="cached"),
        pytest.param(0, id="replayed", marks=pytest.mark.long),
    ]
)
async def at_work(
    stage: Stage, request: pytest.FixtureRequest, recorder: Recorder | None
) -> AsyncIterator[Stage]:
    """With a worker; once with a cache, once replaying every history at each task."""
    async with working(stage, max_cached=request.param):
        yield stage
    assert await replay_all(stage.client, sealing(stage)) > 0
    if recorder is not None and request.param:
        await recorder.record(request.function.__name__, histories(stage.client))
