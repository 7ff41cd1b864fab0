"""Each thing of an installation is broken for real, and the doctor names it."""

import hashlib
import os
import secrets
import socket
import sqlite3
from pathlib import Path

import pytest

from doctor.check import Check, diagnose
from doctor.checks import ALL
from doctor.disk import Permissions, judge_permissions
from doctor.machine import look_at_programs
from perdure.errors import Unavailable
from perdure.settings import RuntimeChoice, Settings
from spec.finding import Finding, Verdict, fine, problem
from tests.doctor.finding import found_by, problems, warnings
from tests.ports import free_port

QUIET = ("data_directory", "master_key", "store")


@pytest.fixture(autouse=True)
def no_temporal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }


async def test_a_server_that_is_down_is_looked_at_and_nothing_of_it_changed(
    settings: Settings,
) -> None:
    before = snapshot(settings.data_dir)
    diagnosis = await diagnose(ALL, settings)
    assert snapshot(settings.data_dir) == before
    assert not diagnosis.is_well
    found = {each.check: each for each in diagnosis.findings}
    assert [found[name].verdict for name in QUIET] == [Verdict.OK] * 3
    assert found["processes"].what == "Nothing runs."
    assert found["temporal"].what == "Temporal does not answer at `127.0.0.1:1`."
    for name, reason in (("front_door", "processes"), ("stuck_runs", "temporal")):
        assert found[name].what == f"Not looked at: `{reason}` comes first."
    assert {each.name for each in ALL} == {each.check for each in diagnosis.findings} | {"gpus"}


@pytest.mark.parametrize("key", ["master.key", "internal.key", "admin.token"])
async def test_a_key_that_others_can_read(settings: Settings, key: str) -> None:
    (settings.data_dir / key).chmod(0o640)
    (told,) = problems(await found_by("data_directory", settings))
    assert f"{key}` can be used by others (mode 0640)" in told


@pytest.mark.parametrize("key", ["master.key", "internal.key"])
async def test_a_key_that_is_gone(settings: Settings, key: str) -> None:
    (settings.data_dir / key).unlink()
    (told,) = problems(await found_by("data_directory", settings))
    assert told.endswith(f"{key}` is missing.")


async def test_a_data_directory_that_others_can_enter_or_that_is_not_there(
    settings: Settings, tmp_path: Path
) -> None:
    settings.data_dir.chmod(0o755)
    assert "mode 0755" in problems(await found_by("data_directory", settings))[0]
    nowhere = Settings(data_dir=tmp_path / "nowhere")
    assert problems(await found_by("data_directory", nowhere)) == ["There is no data directory."]


async def test_the_master_key_of_another_installation(settings: Settings) -> None:
    settings.master_key_path.write_bytes(secrets.token_bytes(32))
    (told,) = problems(await found_by("master_key", settings))
    assert "is not that of this data directory" in told
    settings.master_key_path.write_bytes(b"cut")
    (told,) = problems(await found_by("master_key", settings))
    assert "has 3 bytes, not 32" in told


async def test_a_store_that_is_damaged_missing_or_of_another_version(settings: Settings) -> None:
    path = settings.data.database
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    assert "The store has version 0000" in problems(await found_by("store", settings))[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(4096 * 8) + whole[4096 * 9 :])
    assert "The store is damaged" in problems(await found_by("store", settings))[0]
    path.unlink()
    assert problems(await found_by("store", settings)) == ["The store does not exist."]
    assert not path.exists()


async def test_a_port_that_another_program_has(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = settings.model_copy(update={"port": other.getsockname()[1]})
        (told,) = problems(await found_by("front_door", taken))
    assert "does not answer as our API does" in told
    free = settings.model_copy(update={"port": free_port()})
    assert "Nobody listens" in problems(await found_by("front_door", free))[0]


async def test_the_embedded_temporal_is_not_looked_for_on_a_port_that_may_be_anothers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS")
    settings.data.temporal_ports.write_text('{"grpc": 7233, "web": 1, "ui": 2}')
    told = problems(await found_by("temporal", settings))
    assert told == ["The Temporal of `perdure server` does not run."]


async def test_programs_that_are_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    seen = await look_at_programs(settings)
    assert seen.paths["ssh"] is None
    told = warnings(await found_by("programs", settings))
    assert {"The program `ssh` is missing.", "The program `find` is missing."} <= set(told)


async def test_an_engine_that_does_not_answer(settings: Settings, tmp_path: Path) -> None:
    nowhere = {"docker_host": f"unix://{tmp_path}/docker.sock"}
    needed = settings.model_copy(update=nowhere | {"runtime": RuntimeChoice.DOCKER})
    assert "refuses connections" in problems(await found_by("runtime", needed))[0]
    wished = settings.model_copy(update=nowhere)
    found = await found_by("runtime", wished)
    assert problems(found) == []
    assert "without isolation" in warnings(found)[0]


async def test_a_look_that_fails_is_a_finding_and_not_the_end(settings: Settings) -> None:
    async def refused(_: Settings) -> None:
        raise Unavailable("It is away.", hint="Wait.")

    async def denied(_: Settings) -> None:
        raise PermissionError(13, "Permission denied")

    async def hangs(_: Settings) -> None:
        raise TimeoutError

    def never(_: None) -> tuple[Finding, ...]:
        raise AssertionError("there was nothing to judge")

    async def well(_: Settings) -> None:
        return None

    checks = [
        Check("refused", refused, never),
        Check("denied", denied, never),
        Check("hangs", hangs, never),
        Check("after", refused, never, after=("refused",)),
        Check("well", well, lambda _: [fine("Yes.")]),
        Check("ill", well, lambda _: [problem("No.", "Do."), fine("Yes.")]),
    ]
    found = (await diagnose(checks, settings)).findings
    assert [(each.check, each.verdict.value) for each in found] == [
        ("refused", "problem"),
        ("denied", "warning"),
        ("hangs", "problem"),
        ("after", "warning"),
        ("well", "ok"),
        ("ill", "problem"),
        ("ill", "ok"),
    ]


def test_without_a_directory_nothing_else_of_it_is_told() -> None:
    seen = Permissions(me=0, root=None, keys=(), missing=(Path("/x/master.key"),))
    assert problems(judge_permissions(seen)) == ["There is no data directory."]
