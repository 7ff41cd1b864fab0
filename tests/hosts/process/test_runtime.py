"""The promises of `hosts.base.Runtime`, kept by plain processes."""

import asyncio
import sys
from pathlib import Path

import pytest

from hosts.process import process
from hosts.process.folder import ReplicaFolder
from hosts.process.runtime import ProcessRuntime
from perdure.errors import RuntimeUnsupported
from spec.job import JobPhase, JobState
from spec.log import LogStream
from tests.hosts.process.conftest import MakeJob
from tests.hosts.process.replica import SECOND, TOKEN, output, run


async def test_a_replica_runs_at_its_port_and_tells_its_exit_code(
    runtime: ProcessRuntime, job: MakeJob, port: int
) -> None:
    state = await runtime.start(job("sleep 0.1; exit 7"))
    assert state.phase is JobPhase.RUNNING
    assert state.address == f"tcp://127.0.0.1:{port}"
    ended = await runtime.wait(TOKEN)
    assert (ended.phase, ended.exit_code, ended.address) == (JobPhase.EXITED, 7, "")


async def test_starting_twice_starts_once(runtime: ProcessRuntime, job: MakeJob) -> None:
    wanted = job("echo started; sleep 0.3")
    await asyncio.gather(runtime.start(wanted), runtime.start(wanted), runtime.start(wanted))
    await runtime.wait(TOKEN)
    assert (await runtime.start(wanted)).phase is JobPhase.EXITED
    assert await output(runtime) == "started"
    assert await runtime.tokens() == {TOKEN}


async def test_nothing_is_known_of_a_token_that_was_never_started(runtime: ProcessRuntime) -> None:
    assert (await runtime.state("none")).phase is JobPhase.MISSING
    assert (await runtime.wait("none")).phase is JobPhase.MISSING
    assert (await runtime.stop("none", SECOND)).phase is JobPhase.MISSING
    assert await output(runtime, "none") == ""
    assert await runtime.remove("none") is False
    assert await runtime.tokens() == frozenset()


async def test_another_servers_replicas_are_not_seen(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, homes: Path
) -> None:
    await runtime.start(job("sleep 60"))
    other = ProcessRuntime(tmp_path / "replicas", "server-2", homes=homes)
    assert await other.tokens() == frozenset()
    assert (await other.state(TOKEN)).phase is JobPhase.MISSING
    assert await other.remove(TOKEN) is False
    assert (await runtime.state(TOKEN)).phase is JobPhase.RUNNING


async def test_a_start_that_was_killed_half_way_is_done_again(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    wanted = job("echo done")
    await runtime.start(wanted)
    await runtime.wait(TOKEN)
    (control,) = (path for path in (tmp_path / "replicas").iterdir() if path.is_dir())
    for path in control.iterdir():
        if path.name not in ("job.json", "busy"):
            path.unlink()
    assert (await runtime.state(TOKEN)).phase is JobPhase.CREATED
    await runtime.start(wanted)
    assert (await runtime.wait(TOKEN)).exit_code == 0


async def test_both_outputs_are_kept_apart(runtime: ProcessRuntime, job: MakeJob) -> None:
    await run(runtime, job("echo out; echo err >&2"))
    assert await output(runtime) == "out"
    assert "err" in (await output(runtime, stream=LogStream.STDERR)).splitlines()


async def test_a_command_that_is_not_there_ends_with_127_and_says_so(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    await runtime.start(job("", entrypoint=("/nowhere/serve",), command=()))
    assert (await runtime.wait(TOKEN)).exit_code == 127
    assert "/nowhere/serve" in await output(runtime, stream=LogStream.STDERR)


async def test_a_python_that_is_gone_is_refused(runtime: ProcessRuntime, job: MakeJob) -> None:
    with pytest.raises(RuntimeUnsupported, match=r"python: 3\.99"):
        await runtime.start(job("true", python="3.99"))
    assert await runtime.tokens() == frozenset()


async def test_the_machine_tells_its_pythons_and_ports(runtime: ProcessRuntime) -> None:
    facts = await runtime.facts()
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in facts.pythons
    assert 0 <= facts.first_port <= 1024


async def test_who_waits_looks_once_and_is_woken_by_the_end(
    runtime: ProcessRuntime, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looked again and again would do so at each turn of the loop."""
    assert (await runtime.start(job("sleep 60"))).phase is JobPhase.RUNNING
    looks: list[JobState] = []
    own = ReplicaFolder.state

    def state(folder: ReplicaFolder) -> JobState:
        looks.append(own(folder))
        return looks[-1]

    monkeypatch.setattr(process, "PREPARING_POLL", 0.0)
    monkeypatch.setattr(ReplicaFolder, "state", state)
    waiting = asyncio.create_task(runtime.wait(TOKEN))
    for _ in range(100):
        await asyncio.sleep(0)
    assert [look.phase for look in looks] == [JobPhase.RUNNING]
    assert not waiting.done()
    await runtime.stop(TOKEN, SECOND)
    assert (await waiting).phase is JobPhase.EXITED


async def test_the_machine_is_measured(runtime: ProcessRuntime) -> None:
    machine = await runtime.machine()
    assert machine.cpus >= 1
    assert machine.memory > 0
    assert machine.disk > 0
