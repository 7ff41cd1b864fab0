"""The promises of `hosts.base.Runtime`, kept by plain processes."""

import asyncio
import base64
import hashlib
import io
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from hosts.base import Runtime
from hosts.process.runtime import SHIM, ProcessRuntime
from perdure.errors import ContainerCreateFailed, RuntimeUnsupported
from spec.job import Job, JobCode, JobPhase
from spec.log import LogStream
from tests.hosts.process.conftest import MakeJob
from tests.testbed.deadline import eventually

TOKEN = "main/llm/1/r0"
SECOND = timedelta(seconds=1)


async def output(runtime: Runtime, token: str = TOKEN, stream: LogStream = LogStream.STDOUT) -> str:
    entries = [entry async for batch in runtime.follow(token, "") for entry in batch.entries]
    return "\n".join(entry.text.decode() for entry in entries if entry.stream is stream)


async def run(runtime: Runtime, job: Job) -> str:
    await runtime.start(job)
    await runtime.wait(job.token)
    return await output(runtime, job.token)


async def has_said(runtime: Runtime, text: str) -> None:
    async with asyncio.timeout(20):
        async for batch in runtime.follow(TOKEN, ""):
            if any(text in entry.text.decode() for entry in batch.entries):
                return
    raise AssertionError(f"it ended without having said {text!r}")


def archive(tmp_path: Path, files: dict[str, str]) -> JobCode:
    path = tmp_path / "code.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(content.encode()))
    return JobCode(path=str(path), limit=10_000)


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


async def test_the_code_is_the_working_directory(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    code = archive(tmp_path, {"app/main.py": "import os; print(os.getcwd())", "README": "x"})
    said = await run(runtime, job("ls; cd app; python main.py", code=code))
    assert said.splitlines()[:2] == ["README", "app"]
    assert said.endswith("/workflow/app")


async def test_the_working_directory_keeps_its_place_below_the_code(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    code = archive(tmp_path, {"app/main.py": "print('here')"})
    wanted = job(
        'python main.py; [ "$DSTACK_WORKING_DIR" = "$PWD" ] && echo same',
        code=code,
        working_dir="/workflow/app",
        env={"DSTACK_WORKING_DIR": "/workflow/app"},
    )
    assert await run(runtime, wanted) == "here\nsame"


def linked(tmp_path: Path, links: dict[str, str]) -> JobCode:
    path = tmp_path / "code.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return JobCode(path=str(path), limit=10_000)


async def test_a_working_directory_over_links_of_the_code_never_leaves_it(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, homes: Path
) -> None:
    up = "p/q/r/s/t/u/v/../../../../../../.."
    code = linked(tmp_path, {"e": up} | dict.fromkeys("pqrstuv", "."))
    wanted = job("pwd -P", code=code, working_dir=f"/workflow/e{homes}/made")
    said = await run(runtime, wanted)
    assert said.endswith(f"/workflow{homes}/made")
    assert not (homes / "made").exists()


async def test_the_working_directory_is_made_by_the_replicas_account(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    code = linked(tmp_path, {"here": "."})
    wanted = job("stat -c %u . ..; id -u", code=code, working_dir="/workflow/here/new/folder")
    assert len(set((await run(runtime, wanted)).splitlines())) == 1


@pytest.mark.parametrize(
    "working_dir", ["/workflow/app.py", "/workflow/app.py/x", "/workflow" + "/longer" * 800]
)
async def test_a_working_directory_that_cannot_be_made_is_told_at_once(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, working_dir: str
) -> None:
    code = archive(tmp_path, {"app.py": ""})
    with pytest.raises(ContainerCreateFailed, match=r"`working_dir: .*cannot be used"):
        await runtime.start(job("true", code=code, working_dir=working_dir))
    assert await runtime.tokens() == frozenset()


async def test_a_link_that_came_to_lead_outside_is_not_entered(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, homes: Path
) -> None:
    code = archive(tmp_path, {"app/main.py": ""})
    wanted = job("pwd -P", code=code, working_dir="/workflow/app")
    await run(runtime, wanted)
    (control,) = (path for path in (tmp_path / "replicas").iterdir() if path.is_dir())
    for name in ("pid.json", "exit.json", "log.000000"):
        (control / name).unlink()
    app = homes / control.name / "workflow" / "app"
    app.rename(app.with_name("moved"))
    app.symlink_to(homes)
    await runtime.start(wanted)
    assert (await runtime.wait(TOKEN)).exit_code == 126
    assert "it leads out of the code" in await output(runtime, stream=LogStream.STDERR)


@pytest.mark.parametrize("name", ["../outside", "/etc/perdure-outside/../../../x/../../outside"])
async def test_code_that_would_be_unpacked_elsewhere_is_refused(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, name: str
) -> None:
    code = archive(tmp_path, {name: "x"})
    with pytest.raises(ContainerCreateFailed, match="outside"):
        await runtime.start(job("true", code=code))
    assert await runtime.tokens() == frozenset()


async def test_each_replica_has_a_fresh_python_with_pip_and_uv(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    said = await run(
        runtime, job("pip --version; uv --version; python -c 'import sys; print(sys.prefix)'")
    )
    pip, uv, prefix = said.splitlines()
    assert prefix in pip
    assert uv.startswith("uv ")
    assert prefix != sys.prefix


async def test_nothing_of_ours_reaches_the_application(
    tmp_path: Path, homes: Path, job: MakeJob
) -> None:
    environment = os.environ | {
        "PERDURE_ADMIN_TOKEN": "s3cret",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "TEMPORAL_API_KEY": "s3cret",
        "SOME_TOKEN": "s3cret",
        "UV_PUBLISH_TOKEN": "s3cret",
        "HTTPS_PROXY": "http://proxy.example:3128",
    }
    runtime = ProcessRuntime(tmp_path / "r", "server-1", homes=homes, environment=environment)
    said = await run(runtime, job("env", env={"MINE": "1", "LANG": "de_DE.UTF-8"}))
    seen = dict(line.split("=", 1) for line in said.splitlines())
    assert "s3cret" not in said
    assert {name for name in seen if name.startswith(("PERDURE", "TEMPORAL", "AWS"))} == {
        "PERDURE_REPLICA"
    }
    assert seen["MINE"] == "1"
    assert seen["LANG"] == "de_DE.UTF-8"
    assert seen["PYTHONUNBUFFERED"] == "1"
    assert seen["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert seen["HOME"].startswith(str(homes))
    assert seen["PATH"].startswith(f"{seen['VIRTUAL_ENV']}/bin:")
    assert await runtime.remove(TOKEN)


SECRET = "hf_3kJq8Zr0XyTnV5wB"
CHECKS_SECRET = """
import hashlib, os, time
print(hashlib.sha256(os.environ["HF_TOKEN"].encode()).hexdigest(), flush=True)
time.sleep(60)
"""


def holding(folder: Path, secret: str) -> list[Path]:
    """The files below a folder in which a secret is, plain or in any alignment of base64."""
    encoded = [base64.b64encode(b"x" * pad + secret.encode())[4:-4] for pad in range(3)]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in [secret.encode(), *encoded])
    ]


async def test_secrets_reach_the_application_and_no_file(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, homes: Path
) -> None:
    code = archive(tmp_path, {"app.py": CHECKS_SECRET})
    await runtime.start(job("python app.py", code=code, env={"HF_TOKEN": SECRET}))
    await has_said(runtime, hashlib.sha256(SECRET.encode()).hexdigest())
    assert [*holding(tmp_path / "replicas", SECRET), *holding(homes, SECRET)] == []
    await runtime.stop(TOKEN, SECOND)
    assert [*holding(tmp_path / "replicas", SECRET), *holding(homes, SECRET)] == []


async def test_secrets_are_in_the_environment_and_arguments_of_the_application_only(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
) -> None:
    await runtime.start(job("echo up; exec sleep 60", env={"HF_TOKEN": SECRET}))
    await has_said(runtime, "up")
    (pid_file,) = (tmp_path / "replicas").glob("*/pid.json")
    shim = psutil.Process(json.loads(pid_file.read_text())["pid"])
    assert SECRET not in str([shim.cmdline(), shim.environ()])
    (application,) = shim.children()
    assert application.environ()["HF_TOKEN"] == SECRET


@pytest.mark.parametrize("missing", ["a prepared replica", "an order that was cut"])
async def test_a_start_that_was_cut_short_gets_its_secrets_from_the_repeated_one(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, missing: str
) -> None:
    wanted = job("echo ${HF_TOKEN#hf_}", env={"HF_TOKEN": SECRET})
    await runtime.start(wanted)
    await runtime.wait(TOKEN)
    (control,) = (path for path in (tmp_path / "replicas").iterdir() if path.is_dir())
    for name in ("pid.json", "exit.json", "log.000000"):
        (control / name).unlink()
    if missing == "an order that was cut":
        shim = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(SHIM), str(control)),
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        await shim.communicate(b'{"argv": ["/bin/sh", "-c", "echo no"], "env": {"HF_TO')
        assert shim.returncode == 1
        assert (await runtime.state(TOKEN)).phase is JobPhase.CREATED
    await runtime.start(wanted)
    await runtime.wait(TOKEN)
    assert await output(runtime) == SECRET.removeprefix("hf_")


async def test_text_of_all_languages_reaches_the_application(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    assert await run(runtime, job('echo "grüß $WHOM"', env={"WHOM": "世界"})) == "grüß 世界"


async def test_a_variable_that_no_process_can_have_is_told_in_the_log(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    await runtime.start(job("true", env={"BROKEN": "a\0b"}))
    assert (await runtime.wait(TOKEN)).exit_code == 126
    assert "null byte" in await output(runtime, stream=LogStream.STDERR)


@pytest.mark.parametrize(("given", "expected"), [((), "none"), (("GPU-1", "GPU-2"), "GPU-1,GPU-2")])
async def test_a_replica_sees_the_gpus_that_it_was_given(
    runtime: ProcessRuntime, job: MakeJob, given: tuple[str, ...], expected: str
) -> None:
    assert await run(runtime, job("echo ${CUDA_VISIBLE_DEVICES:-none}", gpus=given)) == expected


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


async def test_a_port_on_which_anything_listens_is_refused(
    runtime: ProcessRuntime, job: MakeJob, port: int
) -> None:
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(RuntimeUnsupported, match=f"`port` {port} is in use"),
    ):
        await runtime.start(job("true"))
    await runtime.start(job("true"))


async def test_a_port_of_another_replica_is_refused_until_that_one_has_ended(
    runtime: ProcessRuntime, job: MakeJob, port: int
) -> None:
    await runtime.start(job("sleep 60", token="first"))
    with pytest.raises(RuntimeUnsupported, match=f"`port` {port} is in use.*another replica"):
        await runtime.start(job("true", token="second"))
    await runtime.stop("first", timedelta(seconds=10))
    await runtime.start(job("true", token="second"))


async def test_of_many_replicas_that_want_one_port_at_once_one_starts(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    starts = (runtime.start(job("sleep 60", token=f"r{number}")) for number in range(4))
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(isinstance(result, RuntimeUnsupported) for result in results) == 3
    assert len(await runtime.tokens()) == 1


async def test_replicas_of_a_root_server_have_accounts_of_their_own(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    first, second = "id -u; stat -c %u . ../venv", "id -u; ls -ld $0"
    said = [await run(runtime, job(first, token="a")), await run(runtime, job(second, token="b"))]
    uids = [text.splitlines()[0] for text in said]
    if os.geteuid() == 0:
        assert len({*uids, "0"}) == 3
        assert said[0].splitlines() == [uids[0]] * 3
    else:
        assert set(uids) == {str(os.getuid())}


LEAVES = """
import ctypes, os, sys
folder, memory, kept = sys.argv[1:]
os.umask(0o077)
os.mkdir(folder)
open(f"{folder}/file", "w").write("secret")
open(memory, "w").write("secret")
os.symlink(kept, f"{folder}/link")
os.chdir(folder)
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
os.chmod(f"{folder}/d", 0)
libc = ctypes.CDLL(None)
assert min(libc.shmget(0, 4096, 0o600), libc.semget(0, 1, 0o600), libc.msgget(0, 0o600)) >= 0
print(os.getuid())
"""


def sysv_ipc(uid: str) -> int:
    rows = [path.read_text().splitlines()[1:] for path in Path("/proc/sysvipc").iterdir()]
    return sum(uid in row.split() for row in itertools.chain(*rows))


if os.geteuid() == 0:  # any other server has its replicas run as itself

    async def test_what_an_account_leaves_behind_goes_with_its_replica(
        runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
    ) -> None:
        left, memory = (Path(f"{place}/perdure-{uuid4()}") for place in ("/tmp", "/dev/shm"))
        (kept := tmp_path / "kept").touch()
        code = archive(tmp_path, {"leave.py": LEAVES})
        uid = await run(runtime, job(f"python leave.py {left} {memory} {kept}", code=code))
        assert left.stat().st_uid == memory.stat().st_uid == int(uid)
        assert sysv_ipc(uid) == 3
        (left / "of-somebody-else").touch()
        assert await runtime.remove(TOKEN)
        assert os.listdir(left) == ["of-somebody-else"]
        assert not memory.exists()
        assert sysv_ipc(uid) == 0
        assert kept.exists()
        shutil.rmtree(left)


async def test_waiting_costs_nothing_and_ends_with_the_replica(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    await runtime.start(job("sleep 60"))
    waiting = asyncio.create_task(runtime.wait(TOKEN))
    await eventually(lambda: len(asyncio.all_tasks()) > 1)
    before = time.process_time()
    await asyncio.sleep(0.3)
    assert time.process_time() - before < 0.1
    assert not waiting.done()
    await runtime.stop(TOKEN, SECOND)
    assert (await waiting).phase is JobPhase.EXITED


async def test_the_machine_is_measured(runtime: ProcessRuntime) -> None:
    machine = await runtime.machine()
    assert machine.cpus >= 1
    assert machine.memory > 0
    assert machine.disk > 0
