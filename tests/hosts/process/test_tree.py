"""A tree of a replica goes, whatever the replica made of it, and nothing else does."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from hosts.process.account import UIDS
from hosts.process.runtime import ProcessRuntime
from hosts.process.tree import remove_tree
from perdure.errors import ContainerCreateFailed, HostError
from tests.hosts.process.conftest import MakeJob
from tests.hosts.process.deep import DEPTH, MAKE, make_deep
from tests.hosts.process.replica import TOKEN, archive, run
from tests.testbed.deadline import eventually

UNREMOVABLE = Path("/proc/tty")  # of the kernel: even root is refused


def there(folder: Path) -> bool:
    return folder.exists()


async def test_a_tree_of_any_depth_is_removed(tmp_path: Path) -> None:
    await make_deep(tmp_path / "tree")
    await remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []


async def test_a_replica_that_made_a_tree_of_any_depth_is_removed(
    runtime: ProcessRuntime, job: MakeJob, homes: Path, tmp_path: Path
) -> None:
    code = archive(tmp_path, {"deep.py": MAKE + "print('made')"})
    script = "python deep.py deep && python deep.py $TMPDIR/deep"
    assert await run(runtime, job(script, code=code)) == "made\nmade"
    assert await runtime.remove(TOKEN)
    assert await runtime.tokens() == frozenset()
    assert not there(homes)


async def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept, tree = tmp_path / "kept", tmp_path / "tree"
    kept.mkdir()
    (kept / "file").touch()
    tree.mkdir()
    (tree / "absolute").symlink_to(kept)
    (tree / "relative").symlink_to("../kept")
    await remove_tree(tree)
    (tmp_path / "link").symlink_to(kept)
    await remove_tree(tmp_path / "link")
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(kept) == ["file"]


async def test_what_is_not_there_is_no_error_and_no_folder_is_needed(tmp_path: Path) -> None:
    await remove_tree(tmp_path / "nothing")
    (tmp_path / "file").touch()
    await remove_tree(tmp_path / "file")
    assert os.listdir(tmp_path) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Pytest's own folders are closed to other accounts."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-closed-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("as_root", {os.geteuid() == 0, False})
async def test_folders_that_are_closed_to_their_owner_are_removed(
    open_folder: Path, as_root: bool
) -> None:
    me = os.geteuid()
    uid = UIDS.stop - 1 if me == 0 else me
    make_closed(open_folder, uid)
    os.seteuid(me if as_root else uid)
    try:
        await remove_tree(open_folder / "tree")
    finally:
        os.seteuid(me)
    assert os.listdir(open_folder) == []


def make_closed(folder: Path, uid: int) -> None:
    (folder / "tree/one/two").mkdir(parents=True)
    (folder / "tree/one/two/file").touch()
    for name in ("tree/one/two", "tree/one", "tree"):
        os.chown(folder / name, uid, -1)
        (folder / name).chmod(0)
    os.chown(folder, uid, -1)


async def test_what_cannot_be_removed_is_named_with_why_and_what_to_do() -> None:
    with pytest.raises(HostError) as raised:
        await remove_tree(UNREMOVABLE)
    assert raised.value.message.startswith(f"`{UNREMOVABLE}` cannot be removed: ")
    assert raised.value.message.endswith((" not permitted.", " denied."))
    assert "findmnt" in raised.value.hint


async def test_without_find_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="there is no `find`"):
        await remove_tree(tmp_path)
    assert there(tmp_path)


async def test_without_find_no_replica_starts_as_it_could_not_be_removed(
    runtime: ProcessRuntime, job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ContainerCreateFailed, match="there is no `find`") as raised:
        await runtime.start(job("true"))
    assert "findutils" in raised.value.hint
    assert await runtime.tokens() == frozenset()


async def test_a_replica_of_which_something_stays_is_removed_by_a_repeat(
    runtime: ProcessRuntime,
    job: MakeJob,
    homes: Path,
    monkeypatch: pytest.MonkeyPatch,
    stuck: Callable[[str], str],
) -> None:
    await run(runtime, job("true"))
    [home] = set(os.listdir(homes)) - {"owner", "tools"}
    with monkeypatch.context() as patch:
        patch.setenv("PATH", stuck(f"{homes}/{home}"))
        for _ in range(2):
            with pytest.raises(HostError, match="Operation not permitted"):
                await runtime.remove(TOKEN)
    assert await runtime.tokens() == {TOKEN}
    assert await runtime.remove(TOKEN)
    assert not there(homes)


async def test_a_complaint_about_a_deep_path_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "find"
    line = f"print('find: ' + 'd/' * {DEPTH} + ': Operation not permitted', file=sys.stderr)"
    fake.write_text(f"#!{sys.executable}\nimport sys\nfor _ in range({DEPTH}): {line}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="Operation not permitted") as raised:
        await remove_tree(tmp_path)
    assert len(raised.value.message) < 500


async def test_who_is_cancelled_leaves_no_process_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "find").write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    (tmp_path / "find").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    removing = asyncio.create_task(remove_tree(tmp_path))

    def sleeping() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if each.name() == "sleep"]

    await eventually(lambda: bool(sleeping()))
    removing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await removing
    assert sleeping() == []
