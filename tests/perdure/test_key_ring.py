"""A key file that is replaced is heard of by who uses it."""

from pathlib import Path

import pytest

from perdure.errors import CannotStart
from perdure.key_ring import KeyRing
from perdure.keys import MasterKey, Purpose, create_secret, replace_secret

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_secret(tmp_path / "master.key", OLD)
    return tmp_path / "master.key"


def ids(*secrets: bytes) -> list[str]:
    return [MasterKey(each).id for each in secrets]


def test_a_new_key_is_used_as_soon_as_it_is_there(path: Path) -> None:
    ring = KeyRing(path)
    payloads = ring.sub(Purpose.PAYLOADS)
    (before,) = payloads()
    replace_secret(path, NEW + OLD)
    assert [key.id for key in ring.keys] == ids(NEW, OLD)
    assert ring.current.id == MasterKey(NEW).id
    assert payloads() == (MasterKey(NEW).subkey(Purpose.PAYLOADS), before)


def test_a_file_that_cannot_be_read_any_more_leaves_what_was_known(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ring = KeyRing(path)
    path.chmod(0o644)
    for _ in range(3):
        assert [key.id for key in ring.keys] == ids(OLD)
    (told,) = caplog.messages
    assert "can be read by others" in told
    path.unlink()
    assert [key.id for key in ring.keys] == ids(OLD)
    create_secret(path, NEW)
    assert [key.id for key in ring.keys] == ids(NEW)


def test_a_file_that_was_never_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no such file"):
        KeyRing(tmp_path / "master.key")
