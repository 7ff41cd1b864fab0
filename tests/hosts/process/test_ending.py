"""How a replica ends, with all that it started, and what it outlives."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psutil

from hosts.process.runtime import ProcessRuntime
from spec.job import JobPhase
from tests.hosts.process.conftest import MakeJob
from tests.hosts.process.replica import SECOND, TOKEN, archive, has_said, output

APPLICATION = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print("up")
time.sleep(60)
"""


async def test_the_application_hears_sigterm_and_keeps_its_exit_code(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    code = archive(tmp_path, {"app.py": APPLICATION})
    await runtime.start(job("python app.py && echo not reached", code=code))
    await has_said(runtime, "up")
    assert (await runtime.stop(TOKEN, timedelta(seconds=20))).exit_code == 3
    assert await output(runtime) == "up"


async def test_an_application_that_ignores_sigterm_is_killed_after_the_grace(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    await runtime.start(job("", command=("trap '' TERM; echo up; while :; do sleep 1; done",)))
    await has_said(runtime, "up")
    assert (await runtime.stop(TOKEN, timedelta(seconds=0.2))).exit_code == 137


async def test_a_second_stop_shortens_the_grace_of_the_first(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    await runtime.start(job("", command=("trap '' TERM; echo up; while :; do sleep 1; done",)))
    await has_said(runtime, "up")
    patient = asyncio.create_task(runtime.stop(TOKEN, timedelta(hours=1)))
    await asyncio.sleep(0)
    assert (await runtime.stop(TOKEN, timedelta(0))).exit_code == 137
    assert (await patient).exit_code == 137


async def test_everything_that_a_replica_started_ends_with_it(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    await runtime.start(
        job("for i in 1 2 3; do setsid sh -c 'sleep 4711 & wait' & done; sleep 0.2")
    )
    await runtime.wait(TOKEN)
    assert not [p for p in psutil.process_iter(["cmdline"]) if "4711" in (p.info["cmdline"] or ())]


async def test_removing_kills_a_replica_and_leaves_nothing(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, homes: Path
) -> None:
    await runtime.start(job("mkdir closed; touch closed/file; chmod 500 closed; sleep 4712"))
    assert await runtime.remove(TOKEN) is True
    assert (await runtime.state(TOKEN)).phase is JobPhase.MISSING
    assert not [p for p in psutil.process_iter(["cmdline"]) if "4712" in (p.info["cmdline"] or ())]
    assert list((tmp_path / "replicas").glob("*/")) == []
    assert list(homes.parent.glob("homes/*")) == []


async def test_a_replica_whose_shim_was_killed_counts_as_killed_and_is_swept(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    await runtime.start(job("setsid sleep 4713 & sleep 4713"))
    (pid_file,) = (tmp_path / "replicas").glob("*/pid.json")
    pid = int(pid_file.read_text().partition(": ")[2].rstrip("}"))
    os.kill(pid, signal.SIGKILL)
    assert (await runtime.wait(TOKEN)).exit_code == 137
    await runtime.stop(TOKEN, SECOND)
    assert not [p for p in psutil.process_iter(["cmdline"]) if "4713" in (p.info["cmdline"] or ())]


STARTER = """
import asyncio, sys
from pathlib import Path
from hosts.process.runtime import ProcessRuntime
from spec.job import Job
runtime = ProcessRuntime(Path(sys.argv[1]), "server-1", homes=Path(sys.argv[2]))
async def main():
    await runtime.start(Job.model_validate_json(sys.argv[3]))
    print("started", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_replica_outlives_the_process_that_started_it(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, homes: Path
) -> None:
    wanted = job("while :; do echo tick; sleep 0.05; done").model_dump_json()
    arguments = [sys.executable, "-c", STARTER, str(tmp_path / "replicas"), str(homes), wanted]
    starter = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    assert await starter.stdout.readline() == b"started\n"
    starter.kill()
    await starter.communicate()
    assert (await runtime.state(TOKEN)).phase is JobPhase.RUNNING
    await has_said(runtime, "tick")
    assert (await runtime.stop(TOKEN, SECOND)).phase is JobPhase.EXITED


async def test_a_replica_that_never_ran_can_be_stopped_and_never_runs_then(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    wanted = job("echo done")
    await runtime.start(wanted)
    await runtime.wait(TOKEN)
    (control,) = (path for path in (tmp_path / "replicas").iterdir() if path.is_dir())
    for name in ("pid.json", "exit.json", "log.000000"):
        (control / name).unlink()
    assert (await runtime.stop(TOKEN, SECOND)).exit_code == 143
    assert (await runtime.start(wanted)).exit_code == 143
    assert await output(runtime) == ""
