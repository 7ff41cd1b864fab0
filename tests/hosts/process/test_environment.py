"""What an application finds in its environment, and what nobody else finds."""

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from hosts.process.runtime import SHIM, ProcessRuntime
from spec.job import JobPhase
from spec.log import LogStream
from tests.hosts.process.conftest import MakeJob
from tests.hosts.process.replica import SECOND, TOKEN, archive, has_said, output, run


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
