"""The merged log: whole lines only, over rotations and lost terminals."""

import io
import json
from pathlib import Path

import pytest

from server.child import Backoff
from server.terminal import Tail, Terminal


def test_only_new_whole_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    path.write_text("old\n")
    tail = Tail(path)
    assert tail.lines() == []
    with path.open("a") as log:
        log.write("one\ntw")
        log.flush()
        assert tail.lines() == ["one"]
        log.write("o\r\n\n")
        log.flush()
        assert tail.lines() == ["two", ""]


def test_a_file_that_comes_later_is_read_from_its_start(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "api.log")
    assert tail.lines() == []
    (tmp_path / "api.log").write_text("first\n")
    assert tail.lines() == ["first"]


def test_a_large_file_is_put_aside_while_its_process_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    tail = Tail(path, largest=10)
    with path.open("a") as log:
        log.write("more than ten bytes\n")
        log.flush()
        assert tail.lines() == ["more than ten bytes"]
        assert tail.lines() == []
        log.write("after\n")
        log.flush()
    assert (tmp_path / "api.log.1").read_text() == "more than ten bytes\n"
    assert path.read_text() == "after\n"
    assert tail.lines() == ["after"]


class Gone(io.StringIO):
    """A terminal that was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def write(self, text: str) -> int:
        self.refused.append(text)
        raise OSError(5, "input/output error")


def test_a_terminal_that_is_gone_is_no_reason_to_end_and_is_written_to_no_more() -> None:
    gone = Gone()
    terminal = Terminal(gone)
    terminal.say("api", "one")
    terminal.say("api", "two")
    (refused,) = gone.refused
    assert refused.endswith("| one\n")


OURS = {"time": "…", "level": "info", "process": "api", "logger": "api.app", "message": "hello"}
TEMPORALS = {
    "time": "2026-11-28T20:42:34.677Z",
    "level": "WARN",
    "msg": "slow",
    "component": "history",
    "wf-id": "run/main/llm/0a1b/r0-g2",
    "error": "context deadline exceeded",
    "shard-id": 1,
}


def told_as_json(name: str, line: str, **more: str) -> dict[str, object]:
    out = io.StringIO()
    Terminal(out, as_json=True).say(name, line, **more)
    (told,) = out.getvalue().splitlines()
    read: dict[str, object] = json.loads(told)
    return read


def test_in_json_our_own_lines_stay_as_they_are() -> None:
    assert told_as_json("api", json.dumps(OURS)) == OURS


def test_in_json_temporals_lines_have_our_fields_and_the_replica() -> None:
    assert told_as_json("temporal", json.dumps(TEMPORALS)) == {
        "time": "2026-11-28T20:42:34.677Z",
        "level": "warning",
        "process": "temporal",
        "logger": "history",
        "message": "slow",
        "run": "main/llm",
        "replica": "run/main/llm/0a1b/r0-g2",
        "error": {"type": "temporal", "message": "context deadline exceeded"},
        "details": {"wf-id": "run/main/llm/0a1b/r0-g2", "shard-id": 1},
    }


@pytest.mark.parametrize("line", ["Killed", '{"half": "an obj', "[1]", '{"an": "object"}'])
def test_in_json_whatever_else_is_written_is_the_message_of_an_object(line: str) -> None:
    told = told_as_json("worker", line, level="error")
    assert {"process": "worker", "level": "error", "message": line}.items() <= told.items()
    assert str(told["time"]).endswith("Z")


def test_restarts_come_later_and_later_until_a_part_has_lived() -> None:
    backoff = Backoff(first=0.1, longest=1.0, stable=10.0)
    delays, last = [], 0.0
    for _ in range(6):
        last = backoff.after(last, lived=0.5)
        delays.append(round(last, 1))
    assert delays == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert backoff.after(last, lived=11.0) == 0.0
