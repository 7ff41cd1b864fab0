"""A search that finds nothing is worth something only when it finds what is there."""

import base64
import shutil
from pathlib import Path

import pytest

from perdure.keys import Purpose, read_master_keys
from perdure.settings import Settings
from store.setup import set_up
from tests.secrecy.search import SECRET, found, leaks, misplaced_keys


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_value_is_found_however_it_is_written(before: str) -> None:
    text = f"{before}{SECRET} and more".encode()
    for written in (text, base64.b64encode(text), text.hex().encode()):
        assert found(b"some " + written, [SECRET]) == [SECRET]
    assert found(text[:-12], [SECRET]) == []


def test_it_is_found_in_any_file_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("deep/er/file.db-wal", "own"):
        (tmp_path / name).write_bytes(b"\xff" + SECRET.encode())
    assert leaks(tmp_path, "*", [SECRET], but=["own"]) == [("file.db-wal", SECRET)]
    assert len(leaks(tmp_path, "*", [SECRET])) == 2


def test_keys_are_in_their_own_files_and_found_in_others(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    set_up(settings, tmp_path / "config.yml")
    data = settings.data
    assert misplaced_keys(tmp_path, data, data.master_key) == []
    (key,) = read_master_keys(data.master_key)
    for name, content in {
        "log": data.admin_token.read_bytes(),
        "cache": data.internal_key.read_bytes(),
        "dump": key.subkey(Purpose.PAYLOADS),
        "hex": data.master_key.read_bytes().hex().encode(),
    }.items():
        (data.root / name).write_bytes(content)
        assert [file for file, _ in misplaced_keys(tmp_path, data, data.master_key)] == [name]
        (data.root / name).unlink()
    shutil.copy(data.master_key, data.root / "copy.key")
    assert misplaced_keys(tmp_path, data, data.master_key) != []
