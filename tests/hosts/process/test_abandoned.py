"""What a server whose data is gone left on the machine."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hosts.process import abandoned
from hosts.process.account import UIDS
from hosts.process.runtime import ProcessRuntime
from spec.job import JobPhase
from tests.hosts.process.conftest import MakeJob
from tests.hosts.process.deep import make_deep
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


async def test_only_homes_whose_owner_is_gone_are_removed(tmp_path: Path) -> None:
    shared, alive = tmp_path / "shared", tmp_path / "replicas"
    alive.mkdir()
    kept = homes_of(shared, "kept", alive)
    gone = homes_of(shared, "gone", tmp_path / "no-more")
    (shared / "uids").mkdir()
    unsigned = shared / "unsigned"
    unsigned.mkdir()
    assert await abandoned.sweep(shared) == 1
    assert not gone.exists()
    assert all(each.exists() for each in (kept, unsigned, shared / "uids"))
    assert await abandoned.sweep(tmp_path / "nowhere") == 0


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the account."""
    with subprocess.Popen(["sleep", "600"], user=UID, group=UID, cwd="/") as process:
        yield process
        process.kill()


async def test_homes_in_which_a_replica_runs_are_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, running: subprocess.Popen[bytes]
) -> None:
    gone = homes_of(tmp_path, "gone", tmp_path / "no-more")
    (gone / "home").mkdir()
    (gone / "home").chmod(0o755)
    os.chown(gone / "home", UID, UID)
    assert await abandoned.sweep(tmp_path) == 0
    assert "whose server's data is gone" in caplog.text
    running.kill()
    await asyncio.to_thread(running.wait)
    assert await abandoned.sweep(tmp_path) == 1


async def test_a_home_with_a_tree_of_any_depth_goes(tmp_path: Path) -> None:
    gone = homes_of(tmp_path, "gone", tmp_path / "no-more")
    await make_deep(gone / "home")
    assert await abandoned.sweep(tmp_path) == 1
    assert not gone.exists()


async def test_a_home_that_cannot_be_removed_is_named_and_stays_for_the_next_sweep(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    stuck: Callable[[str], str],
) -> None:
    stays, goes = (homes_of(tmp_path, name, tmp_path / "no-more") for name in ("a", "b"))
    for homes in (stays, goes):
        (homes / "home").mkdir()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", stuck(f"{stays}/home"))
        assert await abandoned.sweep(tmp_path) == 1
    [warning] = [each.getMessage() for each in caplog.records]
    assert warning.startswith(f"`{stays}/home` cannot be removed: ")
    assert "Operation not permitted. " in warning
    assert "`lsattr -R`" in warning
    assert not goes.exists()
    assert list(abandoned.abandoned(tmp_path)) == [stays]
    assert not (stays / "tools").exists()  # what can go is gone
    assert await abandoned.sweep(tmp_path) == 1
    assert not stays.exists()


async def test_a_home_whose_owner_cannot_be_looked_at_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = homes_of(tmp_path, "unknown", tmp_path / "on-an-ill-disk")

    def fail(path: Path) -> bool:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", fail)
        assert await abandoned.sweep(tmp_path) == 0
    assert unknown.exists()


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
