"""The data directory is for its owner only, and its sockets can be bound wherever it is."""

import os
import shutil
import socket
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from perdure.data_dir import RESERVED, DataDir
from perdure.errors import CannotStart, NoSpace


def test_every_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.create()
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in [data.root, *data.root.rglob("*")]
        if path.is_dir()
    }
    assert set(modes.values()) == {0o700}
    assert {"run", "logs", "code", "replicas", "proxy"} <= {path.name for path in modes}


def test_something_is_added_only_while_what_runs_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DataDir(tmp_path)
    free = {"left": RESERVED}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free["left"]))
    data.require_space()
    free["left"] -= 1
    with pytest.raises(NoSpace, match="63 MB are free"):
        data.require_space()


def test_a_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    DataDir(tmp_path).create()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_sockets_lie_in_the_directory_when_it_is_not_deep() -> None:
    data = DataDir(Path("/root/.perdure/server"))
    assert data.api_socket == Path("/root/.perdure/server/run/api.sock")


def test_several_of_a_kind_have_sockets_and_last_tables_of_their_own() -> None:
    one, two = (DataDir(Path("/root/.perdure/server"), name) for name in ("one", "two"))
    assert one.api_socket == Path("/root/.perdure/server/run/api-one.sock")
    for own in ("api_socket", "internal_socket", "worker_socket", "proxy_socket", "last_good"):
        assert getattr(one, own) != getattr(two, own)
    for shared in ("master_key", "internal_key", "code", "replicas", "tunnels"):
        assert getattr(one, shared) == getattr(two, shared)


@pytest.mark.parametrize("runtime_dir", ["", f"/tmp/{'x' * 90}", None])
def test_sockets_of_a_deep_directory_can_be_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime_dir: str | None
) -> None:
    if runtime_dir is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime_dir)
    data = DataDir(tmp_path / ("deep" * 20))
    data.create()
    assert stat.S_IMODE(data.sockets.stat().st_mode) == 0o700
    longest = data.tunnels / f"{'f' * 32}.sock.AbCdEfGhIj"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(longest))
    shutil.rmtree(data.sockets)


def test_two_deep_directories_do_not_share_their_sockets(tmp_path: Path) -> None:
    first, second = (DataDir(tmp_path / ("deep" * 20) / name) for name in "ab")
    assert first.sockets != second.sockets


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="file exists") as refused:
        DataDir(tmp_path / "file").create()
    assert "PERDURE_DATA_DIR" in refused.value.hint


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(CannotStart, match="belongs to another user"):
        DataDir(tmp_path).create()
