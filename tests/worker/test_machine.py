"""Which runtime a machine gets: the one that was asked for, else Docker where it may answer."""

import asyncio
from pathlib import Path

import pytest

from hosts.docker.runtime import DockerRuntime
from hosts.process.runtime import ProcessRuntime
from perdure.settings import RuntimeChoice, Settings
from store.setup import set_up
from store.store import open_store
from worker.machine import local_backend


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (RuntimeChoice.AUTO, ProcessRuntime),
        (RuntimeChoice.PROCESS, ProcessRuntime),
        (RuntimeChoice.DOCKER, DockerRuntime),
    ],
)
@pytest.mark.parametrize("engine", ["no socket", "a socket that nobody listens on"])
async def test_without_an_engine_replicas_are_processes_unless_docker_was_asked_for(
    tmp_path: Path,
    choice: RuntimeChoice,
    expected: type,
    engine: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    docker = tmp_path / "docker.sock"
    if engine != "no socket":
        docker.touch()
    settings = Settings(data_dir=tmp_path / "data", runtime=choice, docker_host=f"unix://{docker}")
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    async with open_store(settings) as store, local_backend(settings, store) as backend:
        runtime = await backend.runtime("local")
        assert isinstance(runtime, expected)
        if isinstance(runtime, DockerRuntime):
            assert f"The Docker engine at unix://{docker}" in caplog.text
            assert "No service can start until it answers" in caplog.text
