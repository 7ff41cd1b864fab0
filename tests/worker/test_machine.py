"""Which runtime a machine gets: the one that was asked for, else Docker where it may answer."""

import asyncio
import os
from pathlib import Path

import pytest

from hosts.docker.runtime import DockerRuntime
from hosts.process import abandoned
from hosts.process import runtime as process_runtime
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


if os.geteuid() == 0:  # no other server sweeps

    async def test_homes_that_cannot_be_removed_keep_no_worker_from_starting(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        shared, bare = tmp_path / "shared", tmp_path / "bin"
        for folder in (shared / "gone" / "home", bare):
            await asyncio.to_thread(folder.mkdir, parents=True)
        abandoned.sign(shared / "gone", tmp_path / "no-more")
        settings = Settings(data_dir=tmp_path / "data", runtime=RuntimeChoice.PROCESS)
        await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
        monkeypatch.setattr(process_runtime, "SHARED_HOMES", shared)
        monkeypatch.setenv("PATH", str(bare))
        async with open_store(settings) as store, local_backend(settings, store) as backend:
            assert isinstance(await backend.runtime("local"), ProcessRuntime)
        assert f"`{shared}/gone/home` cannot be removed" in caplog.text
        assert os.listdir(shared) == ["gone"]
