"""One master key, a sub-key per purpose; nothing weak is accepted."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perdure.errors import CannotStart
from perdure.keys import MasterKey, Purpose, create_secret, read_secret


def test_sub_keys_differ_by_purpose_and_by_master_key_and_never_change() -> None:
    first, second = MasterKey(bytes(32)), MasterKey(bytes([1] * 32))
    keys = [key.subkey(purpose) for key in (first, second) for purpose in Purpose]
    assert len(set(keys)) == 2 * len(Purpose)
    assert all(len(key) == 32 for key in keys)
    assert first.subkey(Purpose.PAYLOADS).hex().startswith("6b985458aa3d1a1f")


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    made = MasterKey.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    again = MasterKey.load_or_create(path)
    assert again.subkey(Purpose.SEALING) == made.subkey(Purpose.SEALING)
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]


def test_processes_that_make_it_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: MasterKey.load_or_create(path), range(64)))
    assert len({key.subkey(Purpose.DIGESTS) for key in made}) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_secret(path, bytes(32))
    path.chmod(0o640)
    with pytest.raises(CannotStart, match="can be read by others") as refused:
        MasterKey.load(path)
    assert f"chmod 600 {path}" in refused.value.hint


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "master.key"
    create_secret(path, bytes(size))
    with pytest.raises(CannotStart, match=f"has {size} bytes, not 32"):
        MasterKey.load(path)


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no such file") as refused:
        MasterKey.load(tmp_path / "master.key")
    assert "backup" in refused.value.hint


def test_a_key_is_not_shown() -> None:
    assert "SECRETS" not in repr(MasterKey(b"SECRETS!" * 4))
    assert "AAA" not in repr(MasterKey(b"A" * 32))


def test_a_secret_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    assert create_secret(path, b"first") is True
    assert create_secret(path, b"second") is False
    assert read_secret(path, "admin token") == b"first"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="cannot be written"):
        create_secret(tmp_path / "file" / "key", b"x")
