"""A process of ours ends with a word about what prevented it, and a status that says which kind."""

import subprocess
import sys
from pathlib import Path

import pytest

from perdure.errors import CannotStart, NotFound
from perdure.program import exit_status

ROOT = Path(__file__).parents[2]
LIFE = """
import gc, logging
async def run(settings):
    logging.getLogger("life").info("port %d, garbage is %s", settings.port, gc.isenabled())
"""


def lived(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    (folder / "life.py").write_text(LIFE)
    start = "import sys; from perdure.program import serve; sys.exit(serve('life', 'life'))"
    command = [sys.executable, "-c", start]
    environment["PYTHONPATH"] = str(folder)
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )


def test_a_life_without_failure_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_status(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


def test_a_failure_is_told_with_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise NotFound("There is no run `llm`.", hint="See `perdure ps`.")

    assert exit_status(fail) == 3
    assert capsys.readouterr().err == (
        "error: There is no run `llm`. [not_found]\nhint: See `perdure ps`.\n"
    )


def test_a_failure_without_a_hint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise CannotStart("No disk.")

    assert exit_status(fail) == 1
    assert capsys.readouterr().err == "error: No disk. [cannot_start]\n"


def test_a_mistake_of_ours_is_not_hidden() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exit_status(fail)


def test_a_service_lives_with_the_environments_settings_and_log(tmp_path: Path) -> None:
    done = lived(tmp_path, PERDURE_LOG="json", PERDURE_PORT="3001")
    assert done.returncode == 0
    assert '"message": "port 3001, garbage is True"' in done.stderr


def test_a_service_with_an_impossible_setting_does_not_begin(tmp_path: Path) -> None:
    done = lived(tmp_path, PERDURE_PORT="many")
    assert done.returncode == 1
    assert done.stderr.startswith("error: `PERDURE_PORT` cannot be used")
    assert "Traceback" not in done.stderr


def test_a_process_is_left_with_all_that_it_said_and_without_the_interpreters_end() -> None:
    script = """
import atexit, sys
from perdure.program import leave
atexit.register(print, "taken down")
sys.stdout.write("said")
leave(4)
"""
    left = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (left.returncode, left.stdout, left.stderr) == (4, "said", "")
