"""The key pair of the tunnels."""

import stat
from pathlib import Path

import pytest

from hosts.tunnels.key import load_or_create
from perdure.errors import CannotStart


def test_it_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "tunnels"
    line = load_or_create(path)
    assert line.startswith("ssh-ed25519 ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create(path) == line
    assert path.with_name("tunnels.pub").read_text() == f"{line}\n"


def test_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tunnels"
    load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(CannotStart, match="can be read by others"):
        load_or_create(path)


def test_one_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tunnels"
    path.write_text("not a key")
    path.chmod(0o600)
    with pytest.raises(CannotStart, match="is not an ssh key"):
        load_or_create(path)
