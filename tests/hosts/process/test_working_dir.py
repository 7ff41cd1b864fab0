"""Where a replica works: in its code, and never outside it."""

import tarfile
from pathlib import Path

import pytest

from hosts.process.runtime import ProcessRuntime
from perdure.errors import ContainerCreateFailed
from spec.job import JobCode
from spec.log import LogStream
from tests.hosts.process.conftest import MakeJob
from tests.hosts.process.replica import TOKEN, archive, output, run


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
