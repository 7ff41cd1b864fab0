"""Every process logs to stderr, one line per entry."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from perdure.logs import ASIDE
from perdure.settings import LogFormat

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, sys
from perdure.errors import NoCapacity
from perdure.logs import set_up
from perdure.settings import LogFormat
set_up(LogFormat(sys.argv[1]), process="worker")
log = logging.getLogger("store.sealing")
log.info("sealed %s", "é")
logging.getLogger("httpx").info("GET https://user:s3cret@example.com")
logging.getLogger("httpx").warning("slow")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broken")
try:
    raise NoCapacity("No offer fits.")
except NoCapacity as error:
    log.warning("refused: %s", error, exc_info=error)
"""


def logged(format_: LogFormat) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, format_], cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout == b""
    return done.stderr.decode().splitlines()


def test_text_can_be_read() -> None:
    lines = logged(LogFormat.TEXT)
    assert lines[0].endswith(" info    store.sealing: sealed é")
    assert abs(datetime.now() - datetime.fromisoformat(lines[0][:23])).total_seconds() < 60
    assert lines[1].endswith(" warning httpx: slow")
    assert lines[2].endswith(" error   store.sealing: broken")
    assert "ZeroDivisionError: division by zero" in lines


def test_what_was_expected_is_one_line_and_its_traceback_is_set_aside() -> None:
    lines = logged(LogFormat.TEXT)
    (told,) = (number for number, line in enumerate(lines) if "refused" in line)
    assert lines[told].endswith(" warning store.sealing: refused: No offer fits.")
    traceback = lines[told + 1 :]
    assert traceback[0] == f"{ASIDE}Traceback (most recent call last):"
    assert all(line.startswith(ASIDE) for line in traceback)


def test_json_is_one_object_a_line() -> None:
    entries = [json.loads(line) for line in logged(LogFormat.JSON)]
    assert [(entry["level"], entry["message"]) for entry in entries] == [
        ("info", "sealed é"),
        ("warning", "slow"),
        ("error", "broken"),
        ("warning", "refused: No offer fits."),
    ]
    assert datetime.fromisoformat(entries[0]["time"]).tzinfo is not None
    assert entries[0]["time"].endswith("Z")
    assert {entry["process"] for entry in entries} == {"worker"}
    assert entries[2]["error"]["type"] == "ZeroDivisionError"
    assert entries[2]["error"]["traceback"].endswith("ZeroDivisionError: division by zero")
    assert entries[3]["error"]["type"] == "no_capacity"
    assert "error" not in entries[0]


def test_a_line_tells_the_run_the_replica_and_the_request_that_it_is_about() -> None:
    replica = "run/main/llm/0a1b/r0-g2"
    told = """
import asyncio, logging
from perdure.logs import set_up
from perdure.settings import LogFormat
from perdure.subject import Subject, about, now_about_run, of_workflow
set_up(LogFormat.JSON)
log = logging.getLogger("log")
async def main():
    with about(of_workflow("run/main/llm/0a1b/r0-g2")):
        await asyncio.create_task(asyncio.to_thread(log.info, "in a thread of a task"))
    with about(Subject(request="r1")):
        now_about_run("team", "web")
        log.info("of a request")
        log.info("of another run", extra={"workflow": "run/main/llm"})
    details = {"workflow_id": "run/main/llm/0a1b/r0-g2", "attempt": 2}
    log.info("of Temporal's SDK", extra={"temporal_activity": details})
    log.info("of a plan", extra={"temporal_workflow": {"workflow_id": "plan/1"}})
    log.info("of nothing")
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, check=True, text=True
    )
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    assert [tuple(map(entry.get, ("run", "replica", "request"))) for entry in entries] == [
        ("main/llm", replica, None),
        ("team/web", None, "r1"),
        ("main/llm", None, None),
        ("main/llm", replica, None),
        (None, None, None),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    "error", ["CannotStart('No disk.', hint='Free some.')", "ZeroDivisionError()"]
)
def test_the_last_word_of_a_process_is_an_object_too(error: str) -> None:
    script = f"""
import sys
from perdure.errors import CannotStart
from perdure.logs import set_up
from perdure.program import exit_status
from perdure.settings import LogFormat
set_up(LogFormat.JSON, process="api")
def fail(): raise {error}
sys.exit(exit_status(fail))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert told["process"] == "api"
    assert told["level"] in ("error", "critical")
    if "CannotStart" in error:
        assert (told["message"], told["hint"]) == ("No disk.", "Free some.")


def test_less_than_the_level_is_not_logged() -> None:
    script = """
import logging
from perdure.logs import set_up
from perdure.settings import LogFormat, LogLevel
set_up(LogFormat.TEXT, level=LogLevel.WARNING)
logging.getLogger("a").info("no")
logging.getLogger("a").warning("yes")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert [line.rpartition(b" ")[2] for line in done.stderr.splitlines()] == [b"yes"]


def test_what_talkative_libraries_tell_of_requests_is_left_out() -> None:
    assert "s3cret" not in "".join(logged(LogFormat.TEXT) + logged(LogFormat.JSON))
