"""A configuration that cannot be had is told with what to do about it."""

from pathlib import Path

import pytest

from cli.configuration import find_profile, read_text
from perdure.errors import InvalidInput, NotFound


def test_none_is_here(workplace: Path) -> None:
    with pytest.raises(InvalidInput, match=r"There is no `\.dstack\.yml` in this folder") as told:
        read_text(None)
    assert "`-f FILE`" in told.value.hint


def test_the_file_is_not_there(workplace: Path) -> None:
    with pytest.raises(InvalidInput, match=r"`a\.yml` cannot be read: no such file") as told:
        read_text("a.yml")
    assert told.value.hint == "Check its name and its permissions."


def test_the_file_is_no_text(workplace: Path) -> None:
    (workplace / "a.yml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(InvalidInput, match=r"`a\.yml` is not UTF-8 text") as told:
        read_text("a.yml")
    assert told.value.hint == "Save it as UTF-8."


def test_there_are_no_profiles(workplace: Path) -> None:
    with pytest.raises(NotFound, match="There is no profile `gpu`") as told:
        find_profile("gpu", workplace)
    assert "`.dstack/profiles.yml`" in told.value.hint
    assert find_profile(None, workplace) is None
