"""What the options take from the settings, and when."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.options import heartbeat
from perdure.errors import CannotStart


@pytest.fixture(autouse=True)
def unread() -> Iterator[None]:
    """As in a process that has asked for none yet."""
    heartbeat.cache_clear()
    yield
    heartbeat.cache_clear()


def test_the_heartbeat_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_HEARTBEAT", "7")
    assert heartbeat() == timedelta(seconds=7)


def test_a_wrong_one_is_told_as_any_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_HEARTBEAT", "never")
    with pytest.raises(CannotStart, match="`PERDURE_HEARTBEAT` cannot be used"):
        heartbeat()


def test_an_import_reads_no_settings() -> None:
    subprocess.run(
        [sys.executable, "-c", "import engine.deeds"],
        env={"PERDURE_HEARTBEAT": "never", "PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
