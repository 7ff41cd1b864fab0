"""Every process logs to stderr, one line per entry."""

import json
import subprocess
import sys
from pathlib import Path

from perdure.logs import ASIDE
from perdure.settings import LogFormat

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, sys
from perdure.errors import NoCapacity
from perdure.logs import set_up
from perdure.settings import LogFormat
set_up(LogFormat(sys.argv[1]))
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
    assert entries[0]["at"].endswith("Z")
    assert entries[2]["details"].endswith("ZeroDivisionError: division by zero")


def test_what_talkative_libraries_tell_of_requests_is_left_out() -> None:
    assert "s3cret" not in "".join(logged(LogFormat.TEXT) + logged(LogFormat.JSON))
