"""One master key, a sub-key per purpose; nothing weak is accepted."""

import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perdure.errors import CannotStart
from perdure.keys import (
    MasterKey,
    Purpose,
    create_master_key,
    create_secret,
    read_internal_keys,
    read_master_keys,
    read_secret,
    replace_secret,
)


def test_sub_keys_differ_by_purpose_and_by_master_key_and_never_change() -> None:
    first, second = MasterKey(bytes(32)), MasterKey(bytes([1] * 32))
    keys = [key.subkey(purpose) for key in (first, second) for purpose in Purpose]
    assert len(set(keys)) == 2 * len(Purpose)
    assert all(len(key) == 32 for key in keys)
    assert first.subkey(Purpose.PAYLOADS).hex().startswith("6b985458aa3d1a1f")


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    assert create_master_key(path) is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = path.read_bytes()
    assert len(made) == 32
    assert create_master_key(path) is False
    assert path.read_bytes() == made
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]


def test_processes_that_make_it_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "master.key"

    def made(_: int) -> bytes:
        create_master_key(path)
        (key,) = read_master_keys(path)
        return key.subkey(Purpose.DIGESTS)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(made, range(64)))) == 1


def test_a_file_of_several_keys_is_a_ring(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_secret(path, b"n" * 32 + b"o" * 32)
    new, old = read_master_keys(path)
    assert new.id == MasterKey(b"n" * 32).id != old.id
    assert len(new.id) == 12


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_secret(path, bytes(32))
    path.chmod(0o640)
    with pytest.raises(CannotStart, match="can be read by others") as refused:
        read_master_keys(path)
    assert f"chmod 600 {path}" in refused.value.hint


@pytest.mark.parametrize("size", [0, 31, 33, 63])
def test_a_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "master.key"
    create_secret(path, bytes(size))
    with pytest.raises(CannotStart, match=f"has {size} bytes, not 32"):
        read_master_keys(path)


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no such file") as refused:
        read_master_keys(tmp_path / "master.key")
    assert "backup" in refused.value.hint


def test_a_key_is_not_shown() -> None:
    assert "SECRETS" not in repr(MasterKey(b"SECRETS!" * 4))
    assert "AAA" not in repr(MasterKey(b"A" * 32))
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(MasterKey(b"A" * 32))


def test_a_secret_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    assert create_secret(path, b"first") is True
    assert create_secret(path, b"second") is False
    assert read_secret(path, "admin token") == b"first"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="cannot be written"):
        create_secret(tmp_path / "file" / "key", b"x")


def test_the_internal_keys_are_lines_and_the_first_is_used(tmp_path: Path) -> None:
    path = tmp_path / "internal.key"
    create_secret(path, b"new\nold\n")
    assert read_internal_keys(path) == ("new", "old")
    replace_secret(path, b"\n")
    with pytest.raises(CannotStart, match="is empty"):
        read_internal_keys(path)


def test_a_secret_is_replaced_whole_and_nothing_is_left_of_a_try_that_was_killed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "master.key"
    create_secret(path, b"first")
    (tmp_path / ".master.key.1.abcd").write_bytes(b"half")
    replace_secret(path, b"second")
    assert read_secret(path, "key") == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["master.key"]
