"""What a server whose data is gone left on the machine."""

import os
import subprocess
from pathlib import Path

import pytest

from hosts.process import abandoned
from hosts.process.account import UIDS
from hosts.process.runtime import ProcessRuntime
from spec.job import JobPhase
from tests.hosts.process.conftest import MakeJob
from tests.ports import free_port

UID = UIDS.stop - 1


def there(folder: Path) -> bool:
    return folder.exists()


def homes_of(shared: Path, name: str, owner: Path) -> Path:
    homes = shared / name
    homes.mkdir(parents=True)
    abandoned.sign(homes, owner)
    (homes / "tools").mkdir()
    return homes


def test_only_homes_whose_owner_is_gone_are_removed(tmp_path: Path) -> None:
    shared, alive = tmp_path / "shared", tmp_path / "replicas"
    alive.mkdir()
    kept = homes_of(shared, "kept", alive)
    gone = homes_of(shared, "gone", tmp_path / "no-more")
    (shared / "uids").mkdir()
    unsigned = shared / "unsigned"
    unsigned.mkdir()
    assert abandoned.sweep(shared) == 1
    assert not gone.exists()
    assert all(each.exists() for each in (kept, unsigned, shared / "uids"))
    assert abandoned.sweep(tmp_path / "nowhere") == 0


def test_homes_in_which_a_replica_runs_are_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = homes_of(tmp_path, "gone", tmp_path / "no-more")
    (gone / "home").mkdir()
    (gone / "home").chmod(0o755)
    os.chown(gone / "home", UID, UID)
    with subprocess.Popen(["sleep", "600"], user=UID, group=UID, cwd="/") as running:
        assert abandoned.sweep(tmp_path) == 0
        assert "whose server's data is gone" in caplog.text
        running.kill()
    assert abandoned.sweep(tmp_path) == 1


async def test_the_homes_go_with_the_last_replica_and_come_back_with_the_next(
    runtime: ProcessRuntime, job: MakeJob, homes: Path
) -> None:
    first = job("sleep 600", token="first", port=free_port())
    second = job("sleep 600", token="second", port=free_port())
    for each in (first, second):
        assert (await runtime.start(each)).phase is JobPhase.RUNNING
    await runtime.remove(first.token)
    assert there(homes)
    await runtime.remove(second.token)
    assert not there(homes)
    third = job("sleep 600", token="third")
    assert (await runtime.start(third)).phase is JobPhase.RUNNING
    await runtime.remove(third.token)
    assert not there(homes)
