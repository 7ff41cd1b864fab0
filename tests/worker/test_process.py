"""The worker as a process: it says how it is, stops when told, and says why it cannot start."""

import asyncio
import signal

import pytest

from tests.health import answers
from tests.workflows.conftest import stage as stage
from tests.workflows.process_worker import until_polling, worker
from tests.workflows.stage import Stage


async def test_an_idle_worker_that_is_told_to_stop_ends_cleanly(stage: Stage) -> None:
    health = stage.settings.data.worker_socket
    async with worker(stage) as process:
        await until_polling(stage)
        assert await answers(health, "/healthz") == 200
        assert await answers(health, "/nothing") == 404
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert await answers(health, "/healthz") == 0


async def test_a_worker_without_temporal_says_so_and_what_to_do(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("PERDURE_READY_TIMEOUT", "0.1")
    async with worker(stage) as process:
        assert await asyncio.wait_for(process.wait(), 60) == 1
    told = (stage.settings.data.logs / "worker.log").read_text()
    assert "Temporal does not answer at `127.0.0.1:1`. Waiting for it, for at most 0.1 s" in told
    assert "error: Temporal does not answer at `127.0.0.1:1`." in told
    assert "hint: Start it, or set `TEMPORAL_ADDRESS`." in told
