"""An answer that takes long is told of once, and one that comes soon never."""

import time

import pytest

from cli.waiting import waiting


def test_a_long_silence_is_told_with_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    told = ""
    with waiting("Submitting …", after=0.01):
        while not told:
            time.sleep(0.01)
            told = capsys.readouterr().err
        time.sleep(0.05)
    assert told.startswith("The server has not answered for 0.01 s, and is waited for.")
    assert "perdure doctor" in told
    assert capsys.readouterr().err == ""


def test_an_answer_in_time_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting("Submitting …", after=0.05):
        pass
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_what_fails_meanwhile_is_raised() -> None:
    with pytest.raises(KeyError), waiting("Submitting …"):
        raise KeyError
