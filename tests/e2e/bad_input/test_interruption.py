"""Whoever interrupts, or is interrupted, is told what became of the request; nothing is half done.

Ctrl-C is typed on a real terminal.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.screen import CTRL_C, Terminal, on_terminal
from tests.e2e.bad_input.line import Line, example
from tests.e2e.bad_input.lines import interruption as lines
from tests.e2e.bad_input.relay import relay
from tests.e2e.bad_input.test_command import processes
from tests.e2e.bad_input.test_image import silent
from tests.e2e.containers import containers
from tests.e2e.installation import PERDURE, Installation, service
from tests.e2e.programs import HELLO, TERM, program
from tests.ports import free_port
from tests.testbed.deadline import wait_until
from tests.testbed.engine import Engine

pytestmark = pytest.mark.long

__all__ = ["silent"]

NEVER = "import time\nprint('waiting', flush=True)\ntime.sleep(1000)"
DEAF = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{NEVER}"


@contextmanager
def typed(place: Installation, line: Line, folder: Path) -> Iterator[Terminal]:
    """The line's command on a terminal."""
    words = line.given.split()[1:]
    with on_terminal(*PERDURE, *words, cwd=folder, **place.user) as screen:
        yield screen


def interrupted(screen: Terminal, line: Line) -> None:
    """It ends as the line says, and the terminal is as before."""
    ends = screen.exit_code()
    line.check(ends, screen.seen)


def stored(place: Installation) -> set[str]:
    """Code archives, and drafts of some."""
    return set(os.listdir(place.data / "code"))


def submit(place: Installation, folder: Path, source: str, **properties: object) -> None:
    """Apply, detached."""
    port = free_port()
    service(folder, port, program(source, port), **properties)
    place.perdure("apply", "-y", "-d", folder=folder)


@example(lines.LOST)
def test_an_answer_that_is_lost_is_asked_for_again_and_there_is_one_run(
    running: Installation, tmp_path: Path
) -> None:
    port = free_port()
    folder = service(tmp_path / "once", port, program(HELLO, port))
    with relay(running.port, lose=b"POST /api/v1/projects/main/runs ") as bad:
        bad_line = {"PERDURE_URL": bad.url, "PERDURE_TOKEN": running.token}
        done = running.run("apply", "-y", "-d", folder=folder, env=bad_line)
        assert bad.lost.is_set()
    lines.LOST.check(done.returncode, done.stderr)
    assert f"http://localhost:{running.port}/proxy/services/main/once/" in done.stdout
    assert running.until_ready("once")["replicas"][0]["deployment"] == 1
    assert [run["name"] for run in running.runs(finished=True)].count("once") == 1
    running.perdure("stop", "-x", "-y", "once")


@example(lines.STOP_TWICE)
def test_a_second_stop_changes_nothing(running: Installation, tmp_path: Path) -> None:
    submit(running, tmp_path / "done", TERM)
    running.perdure("stop", "-x", "-y", "done")
    before = running.view("done")
    done = running.run("stop", "-y", "done")
    lines.STOP_TWICE.check(done.returncode, done.stderr)
    assert (before["status"], running.view("done")) == ("terminated", before)


@example(lines.PLAN)
def test_ctrl_c_at_the_plan_submits_nothing(running: Installation, tmp_path: Path) -> None:
    folder = service(tmp_path / "asked", free_port(), NEVER)
    code = stored(running)
    with typed(running, lines.PLAN, folder) as screen:
        screen.wait_for("Submit the run asked? [y/n]: ")
        screen.type(CTRL_C)
        interrupted(screen, lines.PLAN)
    assert running.phase("asked") == ""
    assert stored(running) == code


@example(lines.UPLOAD)
def test_ctrl_c_in_an_upload_leaves_no_half_of_it(running: Installation, tmp_path: Path) -> None:
    folder = service(tmp_path / "sent", free_port(), NEVER)
    (folder / "weights.bin").write_bytes(os.urandom(20 << 20))
    code = stored(running)
    with relay(running.port, stall=b"PUT /api/v1/projects/main/code/") as bad:
        extra = {"PERDURE_URL": bad.url, "PERDURE_TOKEN": running.token}
        words = lines.UPLOAD.given.split()[1:]
        environment = running.user | extra
        with on_terminal(*PERDURE, *words, cwd=folder, **environment) as screen:
            screen.wait_for("Uploading the code")
            assert bad.stalled.wait(30)
            screen.type(CTRL_C)
            interrupted(screen, lines.UPLOAD)
    assert running.phase("sent") == ""
    wait_until(lambda: stored(running) == code, "the half is removed")


@example(lines.PULLING)
def test_ctrl_c_while_pulling_can_stop_the_run(
    docker: Installation, engine: Engine, silent: str, tmp_path: Path
) -> None:
    folder = service(tmp_path / "pulls", 8000, NEVER, image=f"{silent}/slow:1")
    with typed(docker, lines.PULLING, folder) as screen:
        screen.wait_for("pulls  pulling")
        screen.type(CTRL_C)
        screen.wait_for("Stop the run pulls? [y/n]: ")
        screen.type("y\n")
        interrupted(screen, lines.PULLING)
    assert docker.phase("pulls") == "terminated"
    assert containers(engine, "pulls") == []


@example(lines.STARTING)
def test_ctrl_c_while_it_starts_leaves_the_run_if_asked_to(
    running: Installation, tmp_path: Path
) -> None:
    folder = service(tmp_path / "starts", free_port(), NEVER)
    with typed(running, lines.STARTING, folder) as screen:
        screen.wait_for("0/1 ready")
        screen.type(CTRL_C)
        screen.wait_for("Stop the run starts? [y/n]: ")
        screen.type("n\n")
        interrupted(screen, lines.STARTING)
    assert running.phase("starts") == "running"
    running.perdure("stop", "-x", "-y", "starts")
    assert processes("starts") == []


@example(lines.FOLLOWING)
def test_ctrl_c_in_the_log_and_at_its_question_detaches(
    running: Installation, tmp_path: Path
) -> None:
    port = free_port()
    folder = service(tmp_path / "serves", port, program(HELLO, port))
    with typed(running, lines.FOLLOWING, folder) as screen:
        screen.wait_for("listening")
        screen.type(CTRL_C)
        screen.wait_for("Stop the run serves? [y/n]: ")
        screen.type(CTRL_C)
        interrupted(screen, lines.FOLLOWING)
    running.until_ready("serves")
    running.perdure("stop", "-x", "-y", "serves")


@example(lines.LOGS, lines.WATCH, lines.STOP_QUESTION, lines.STOPPING)
def test_ctrl_c_where_one_only_looks_touches_no_run(running: Installation, tmp_path: Path) -> None:
    submit(running, tmp_path / "waits", DEAF, stop_duration=600)
    for line, text in (
        (lines.LOGS, "waiting"),
        (lines.WATCH, "0/1 ready"),
        (lines.STOP_QUESTION, "Stop the run waits? [y/n]: "),
    ):
        with typed(running, line, tmp_path) as screen:
            screen.wait_for(text)
            screen.type(CTRL_C)
            interrupted(screen, line)
        assert running.phase("waits") == "running"
    with typed(running, lines.STOPPING, tmp_path) as screen:
        screen.wait_for("waits  terminating")
        screen.type(CTRL_C)
        interrupted(screen, lines.STOPPING)
    assert running.phase("waits") == "terminating"
    running.perdure("stop", "-x", "-y", "waits")
    assert processes("waits") == []


@example(lines.SECRET)
def test_ctrl_c_at_a_secret_sets_none(running: Installation, tmp_path: Path) -> None:
    with typed(running, lines.SECRET, tmp_path) as screen:
        screen.wait_for("Value of TYPED: ")
        screen.type("half of it")
        screen.type(CTRL_C)
        interrupted(screen, lines.SECRET)
        assert "half" not in screen.seen
    assert "TYPED" not in running.perdure("secret", "list")
