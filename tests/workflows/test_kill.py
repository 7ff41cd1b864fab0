"""`kill -9` of the worker anywhere: nothing doubled, nothing left, no line of the log lost."""

import asyncio
import signal
from pathlib import Path

import pytest

from spec.status import RunPhase
from tests.ports import free_port
from tests.workflows.process_worker import command, log_of, machine, worker
from tests.workflows.stage import Stage

WHILE_STARTING = [
    pytest.param("create.before_call", marks=pytest.mark.long),
    pytest.param("create.after_call", marks=pytest.mark.long),
    pytest.param("start.before_call", marks=pytest.mark.long),
    "start.after_call",
    pytest.param("wait_ready", marks=pytest.mark.long),
    pytest.param("monitor", marks=pytest.mark.long),
    "logs.before_append",
]
WHILE_STOPPING = [
    pytest.param("drain", marks=pytest.mark.long),
    "halt",
    pytest.param("release", marks=pytest.mark.long),
]
KILLED = -signal.SIGKILL


def is_whole(lines: list[str]) -> bool:
    """Whether the program was started once, and every line that it wrote is there once."""
    return lines == [*map(str, range(len(lines) - 1)), "bye"]


@pytest.mark.parametrize("point", WHILE_STARTING)
async def test_a_worker_killed_while_a_replica_starts(
    stage: Stage, tmp_path: Path, point: str
) -> None:
    crash, port = tmp_path / "crash", free_port()
    crash.write_text(point)
    async with machine(stage) as processes:
        async with worker(stage, crash) as first:
            applied = asyncio.create_task(stage.apply("web", port=port, commands=[command(port)]))
            assert await asyncio.wait_for(first.wait(), 60) == KILLED
        async with worker(stage, crash):
            await applied
            await stage.until_ready("web", 1)
            assert len(await processes.tokens()) == 1
            assert (await stage.stop("web")).status is RunPhase.TERMINATED
        assert await processes.tokens() == frozenset()
        assert is_whole(await log_of(stage, "web"))


@pytest.mark.parametrize("point", WHILE_STOPPING)
async def test_a_worker_killed_while_a_run_stops(stage: Stage, tmp_path: Path, point: str) -> None:
    crash, port = tmp_path / "crash", free_port()
    async with machine(stage) as processes:
        async with worker(stage, crash) as first:
            await stage.apply("web", port=port, commands=[command(port)])
            await stage.until_ready("web", 1)
            crash.write_text(point)
            await stage.runs.stop("main", "web")
            assert await asyncio.wait_for(first.wait(), 60) == KILLED
        async with worker(stage, crash):
            assert (await stage.until_ended("web")).status is RunPhase.TERMINATED
        assert await processes.tokens() == frozenset()
        assert is_whole(await log_of(stage, "web"))
