"""`make demo`, with a small service in place of the model: whenever it is told to end, all ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from tests.cli.screen import CTRL_C, ROOT, Terminal, on_terminal
from tests.ports import free_port

DEMO = (sys.executable, "-P", str(ROOT / "examples" / "demo"))
PROMPT = "Press Ctrl-C to stop everything."
PARROT = """
import http.server, json, sys
class Parrot(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer('{"object": "list", "data": []}')
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = "You said: " + asked["messages"][0]["content"]
        kind, part = ("delta", "data: %s") if asked.get("stream") else ("message", "%s")
        self.answer(part % json.dumps({"choices": [{kind: {"content": text}}]}) + "\\n\\n")
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Parrot).serve_forever()
"""

Demo = Callable[[], AbstractContextManager[Terminal]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def parrot(tmp_path: Path, port: int) -> Path:
    """The service's folder."""
    folder = tmp_path / "parrot"
    folder.mkdir()
    (folder / "app.py").write_text(PARROT)
    service = {
        "type": "service",
        "name": "parrot",
        "commands": [f"python3 app.py {port}"],
        "port": port,
        "model": "parrot-1",
        "resources": {"cpu": "1..", "memory": "0.1GB..", "disk": "0.1GB.."},
    }
    (folder / ".dstack.yml").write_text(json.dumps(service))
    return folder


@pytest.fixture
def demo(tmp_path: Path, parrot: Path, port: int) -> Iterator[Demo]:
    """The demo on a terminal; afterwards nothing of it is left."""
    yield lambda: on_terminal(*DEMO, str(parrot), cwd=tmp_path, TMPDIR=str(tmp_path))
    left = leftovers(tmp_path)
    told = [" ".join(process.info["cmdline"]) for process in left]
    for process in left:
        process.kill()
    assert not told
    assert not list(tmp_path.glob("perdure-demo-*"))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def leftovers(folder: Path) -> list[psutil.Process]:
    """Processes that know the demo's folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        data = (process.info["environ"] or {}).get("PERDURE_DATA_DIR", "")
        known = [*(process.info["cmdline"] or ()), data]
        if any(str(folder / "perdure-demo-") in word for word in known):
            found.append(process)
    return found


def typed(commands: str, folder: Path) -> str:
    """What they print in another terminal, with the command that an installation brings."""
    (folder / "perdure").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m perdure "$@"\n')
    (folder / "perdure").chmod(0o755)
    done = subprocess.run(
        ["bash", "-ec", commands],
        cwd=folder,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stderr}"
    return done.stdout


@pytest.mark.long
def test_ctrl_c_at_the_end_stops_everything_in_order(demo: Demo, tmp_path: Path) -> None:
    with demo() as terminal:
        terminal.wait_for("All of this can be typed in another terminal, too\n")
        way = terminal.wait_for("$ perdure apply -y -d").replace("$ ", "")
        terminal.wait_for("You said: What is an apple?")
        terminal.wait_for("You said: Name three fruits.")
        terminal.wait_for("Ask it yourself, from another terminal\n$ ")
        curl = terminal.wait_for(PROMPT)
        assert "parrot" in typed(f"{way}perdure ps", tmp_path)
        assert "You said: Why is the sky blue?" in typed(curl, tmp_path)
        terminal.type(CTRL_C)
        terminal.wait_for("$ perdure stop -y parrot")
        terminal.type(CTRL_C)
        terminal.wait_for("The run parrot has ended: stopped.")
        assert terminal.exit_code() == 0


@pytest.mark.parametrize(
    "moment",
    [
        "Start the server",
        pytest.param("Apply a service", marks=pytest.mark.long),
        pytest.param("$ perdure apply", marks=pytest.mark.long),
        pytest.param("Wait: ", marks=pytest.mark.long),
        pytest.param("A question", marks=pytest.mark.long),
    ],
)
def test_ctrl_c_at_any_moment_leaves_nothing(demo: Demo, moment: str) -> None:
    with demo() as terminal:
        terminal.wait_for(moment)
        terminal.type(CTRL_C + CTRL_C)
        assert terminal.exit_code() == 128 + signal.SIGINT, terminal.seen
        assert "Interrupted." in terminal.seen


@pytest.mark.long
def test_a_terminal_that_goes_away_leaves_nothing(demo: Demo) -> None:
    with demo() as terminal:
        terminal.wait_for(PROMPT)
        terminal.hang_up()


def test_a_port_that_is_taken_is_told_with_its_owner(demo: Demo, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), demo() as terminal:
        terminal.wait_for(f"error: port {port}, which the service listens on, is in use by `")
        terminal.wait_for(f"(pid {os.getpid()}). Stop that, then try again.")
        assert terminal.exit_code() == 1


@pytest.mark.long
def test_a_service_that_ends_is_told_with_its_log(demo: Demo, parrot: Path) -> None:
    (parrot / "app.py").write_text("raise SystemExit('there is no parrot')")
    with demo() as terminal:
        terminal.wait_for("$ perdure ps -a -v\n")
        terminal.wait_for("exited (1)")
        terminal.wait_for("$ perdure logs parrot\n")
        terminal.wait_for("there is no parrot")
        terminal.wait_for("error: the service did not become ready")
        assert terminal.exit_code() == 1


@pytest.mark.long
def test_sigterm_leaves_nothing(demo: Demo) -> None:
    with demo() as terminal:
        terminal.wait_for("Wait: ")
        terminal.send_signal(signal.SIGTERM)
        assert terminal.exit_code() == 128 + signal.SIGTERM
