"""The promises of `hosts.base.Runtime`, kept by a real engine."""

import asyncio
import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest

from hosts.base import Runtime
from hosts.docker import DockerRuntime
from perdure.errors import ContainerCreateFailed, VolumeFailed
from spec.job import JobCode, JobMount, JobPhase
from spec.machine import RuntimeFacts, RuntimeKind
from tests.hosts.docker.jobs import SERVER, job, log_of, output, shell, text_of
from tests.testbed.deadline import eventually
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE, derive_image

FOREVER = "exec sleep 1000"
GRACE = timedelta(seconds=20)


async def test_it_is_a_runtime(runtime: DockerRuntime) -> None:
    checked: Runtime = runtime
    assert await checked.facts() == RuntimeFacts()


async def test_the_machine_is_measured(runtime: DockerRuntime) -> None:
    machine = await runtime.machine()
    assert machine.runtime is RuntimeKind.DOCKER
    assert machine.cpus >= 1
    assert machine.disk > 0


async def test_a_service_is_reached_at_its_own_address(runtime: DockerRuntime, token: str) -> None:
    state = await runtime.start(job(token, "python3", "-m", "http.server", "8000"))
    assert state.phase is JobPhase.RUNNING
    host, port = state.address.removeprefix("tcp://").split(":")

    async def answers() -> bool:
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return False
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.readline()
        writer.close()
        return b"200" in answer

    await eventually(answers, "the service answers at the container's address")


async def test_a_second_start_finds_the_first(runtime: DockerRuntime, token: str) -> None:
    states = await asyncio.gather(*(runtime.start(shell(token, FOREVER)) for _ in range(4)))
    assert len({state.address for state in states}) == 1
    assert await runtime.start(shell(token, "exit 9")) == states[0]
    assert await runtime.tokens() == {token}


async def test_a_start_after_the_end_does_not_run_it_again(
    runtime: DockerRuntime, token: str
) -> None:
    await runtime.start(job(token, "false"))
    ended = await runtime.wait(token)
    assert await runtime.start(job(token, "false")) == ended


async def test_a_start_goes_on_where_a_crash_left_a_created_container(
    runtime: DockerRuntime, engine: Engine, token: str
) -> None:
    await runtime.start(shell(token, FOREVER))
    await runtime.remove(token)
    engine.docker(
        "create", "--name", f"perdure-{token}", "--label", f"perdure.server={SERVER}",
        "--label", f"perdure.token={token}", "--label", "perdure.port=8000", BASE_IMAGE, "true",
    )  # fmt: skip
    assert (await runtime.state(token)).phase is JobPhase.CREATED
    await runtime.start(job(token, "true"))
    assert (await runtime.wait(token)).exit_code == 0


@pytest.mark.parametrize("code", [0, 3])
async def test_the_exit_code_is_the_application_s(
    runtime: DockerRuntime, token: str, code: int
) -> None:
    await runtime.start(shell(token, f"exit {code}"))
    state = await runtime.wait(token)
    assert (state.phase, state.exit_code, state.address) == (JobPhase.EXITED, code, "")
    assert not state.out_of_memory


async def test_out_of_memory_is_told_apart(runtime: DockerRuntime, token: str) -> None:
    greedy = "x = bytearray(300 << 20); print(len(x))"
    await runtime.start(job(token, "python3", "-c", greedy, memory_limit=0.0625))
    state = await runtime.wait(token)
    assert (state.exit_code, state.out_of_memory) == (137, True)


async def test_sigterm_is_heard_by_the_application_behind_the_shell(
    runtime: DockerRuntime, token: str
) -> None:
    drains = "import signal, sys; signal.signal(15, lambda *_: (print('drained'), sys.exit(4)));"
    program = f"{drains} print('ready'); signal.pause()"
    await runtime.start(shell(token, f'python3 -c "{program}" && echo never'))
    async for batch in runtime.follow(token, ""):
        if any(entry.text == b"ready" for entry in batch.entries):
            break
    state = await runtime.stop(token, GRACE)
    assert (state.phase, state.exit_code) == (JobPhase.EXITED, 4)
    assert text_of(await log_of(runtime, token)) == "ready\ndrained\n"


async def test_who_does_not_hear_is_killed_after_the_grace(
    runtime: DockerRuntime, token: str
) -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print('ready')"
    deaf += "\nwhile True: signal.pause()"
    await runtime.start(job(token, "python3", "-c", deaf))
    async for _ in runtime.follow(token, ""):
        break
    state = await runtime.stop(token, timedelta(seconds=1))
    assert (state.phase, state.exit_code) == (JobPhase.EXITED, 137)


async def test_a_stop_of_what_has_ended_or_never_was_is_no_error(
    runtime: DockerRuntime, token: str
) -> None:
    assert (await runtime.stop(token, GRACE)).phase is JobPhase.MISSING
    await runtime.start(job(token, "true"))
    await runtime.wait(token)
    assert (await runtime.stop(token, GRACE)).exit_code == 0


async def test_what_is_removed_is_missing(runtime: DockerRuntime, token: str) -> None:
    await runtime.start(shell(token, FOREVER))
    waiting = asyncio.create_task(runtime.wait(token))
    assert await runtime.remove(token)
    assert (await waiting).phase in (JobPhase.EXITED, JobPhase.MISSING)
    assert (await runtime.state(token)).phase is JobPhase.MISSING
    assert not await runtime.remove(token)
    assert await runtime.tokens() == frozenset()


async def test_the_image_s_entrypoint_and_command_are_kept(
    runtime: DockerRuntime, engine: Engine, token: str
) -> None:
    image = "perdure-test/entry:1"
    lines = ('ENTRYPOINT ["/bin/echo", "from"]', 'CMD ["the image"]', "ENV PYTHONUNBUFFERED=")
    derive_image(engine, image, *lines)
    assert await output(runtime, job(token, image=image)) == "from the image"
    assert await output(runtime, job(f"{token}b", "the job", image=image)) == "from the job"
    own = job(f"{token}c", "-c", "echo $PYTHONUNBUFFERED-", image=image, entrypoint=("/bin/sh",))
    assert await output(runtime, own) == "-"


async def test_the_job_sets_user_folder_variables_and_shared_memory(
    runtime: DockerRuntime, token: str
) -> None:
    script = "id -u; id -g; pwd; echo $GREETING $PYTHONUNBUFFERED; df --output=size -h /dev/shm"
    told = await output(
        runtime,
        shell(token, script, user="app:web", working_dir="/srv/here", env={"GREETING": "a b=c"},
              shm_size=0.125),
    )  # fmt: skip
    assert told.split() == ["1500", "1700", "/srv/here", "a", "b=c", "1", "Size", "128M"]


async def test_a_volume_is_a_folder_of_the_machine(
    runtime: DockerRuntime, token: str, tmp_path: Path
) -> None:
    (tmp_path / "given").write_text("here")
    mounts = (
        JobMount(instance_path=str(tmp_path), path="/data"),
        JobMount(instance_path=str(tmp_path / "given"), path="/cache", optional=True),
        JobMount(instance_path=str(tmp_path / "absent"), path="/absent", optional=True),
    )
    script = "cat /cache; ls /absent 2>/dev/null || echo left-out; echo back > /data/back"
    assert await output(runtime, shell(token, script, mounts=mounts)) == "hereleft-out"
    assert (tmp_path / "back").read_text() == "back\n"
    assert not (tmp_path / "absent").exists()


async def test_a_volume_that_cannot_be_mounted_is_told(
    runtime: DockerRuntime, token: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    mounts = (JobMount(instance_path=str(tmp_path / "file/x"), path="/data"),)
    with pytest.raises(VolumeFailed, match="A volume could not be mounted"):
        await runtime.start(shell(token, "true", mounts=mounts))


async def test_code_is_unpacked_for_the_user_before_the_start(
    runtime: DockerRuntime, token: str, tmp_path: Path
) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("app/main.py")
        info.size, info.uid, info.mode = 11, 501, 0o644
        tar.addfile(info, io.BytesIO(b"print('hi')"))
    script = "python3 app/main.py; stat -c %u:%g . app/main.py; touch new && echo writable"
    code = {"code": JobCode(path=str(archive), limit=1000), "working_dir": "/workflow"}
    root = await output(runtime, shell(token, script, **code))
    assert root.split() == ["hi", "0:0", "0:0", "writable"]
    app = await output(runtime, shell(f"{token}b", script, user="app", **code))
    assert app.split() == ["hi", "1500:1600", "1500:1600", "writable"]


async def test_code_needs_no_working_dir(
    runtime: DockerRuntime, token: str, tmp_path: Path
) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    assert (
        await output(
            runtime, shell(token, "ls /workflow", code=JobCode(path=str(archive), limit=1000))
        )
        == "empty"
    )


async def test_a_program_that_is_not_there_ends_at_once(runtime: DockerRuntime, token: str) -> None:
    await runtime.start(job(token, "no-such-program"))
    assert (await runtime.wait(token)).exit_code == 127


async def test_a_user_who_is_not_there_cannot_start(runtime: DockerRuntime, token: str) -> None:
    with pytest.raises(ContainerCreateFailed, match="does not have the user"):
        await runtime.start(shell(token, "true", user="nobody-knows"))
    assert await runtime.remove(token)


async def test_an_image_that_was_not_pulled_cannot_start(
    runtime: DockerRuntime, token: str
) -> None:
    with pytest.raises(ContainerCreateFailed, match="not on the machine"):
        await runtime.start(job(token, image="perdure-test/absent:1"))


async def test_containers_of_others_are_never_touched(
    runtime: DockerRuntime, engine: Engine, token: str
) -> None:
    foreign = engine.docker("run", "-d", "--name", f"perdure-{token}", BASE_IMAGE, "sleep", "99")
    try:
        assert (await runtime.state(token)).phase is JobPhase.MISSING
        assert (await runtime.stop(token, GRACE)).phase is JobPhase.MISSING
        assert not await runtime.remove(token)
        assert await log_of(runtime, token) == []
        with pytest.raises(ContainerCreateFailed, match="not this server's"):
            await runtime.start(shell(token, FOREVER))
        assert await runtime.tokens() == frozenset()
        state = json.loads(engine.docker("inspect", foreign))[0]["State"]
        assert state["Running"] is True
    finally:
        engine.docker("rm", "-f", foreign)


async def test_leftovers_of_a_dead_server_process_are_found(
    runtime: DockerRuntime, engine: Engine, token: str
) -> None:
    await runtime.start(shell(f"{token}a", FOREVER))
    await runtime.start(job(f"{token}b", "true"))
    await runtime.wait(f"{token}b")
    assert await runtime.tokens() == {f"{token}a", f"{token}b"}
    for left in await runtime.tokens():
        assert await runtime.remove(left)
    assert not engine.docker("ps", "-aq", "--filter", f"label=perdure.server={SERVER}")
