"""A supervisor process over small parts that a test describes, in a data directory of its own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from perdure.data_dir import DataDir
from tests import ports
from tests.testbed.deadline import wait_until
from tests.testbed.kill import kill

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0  # seconds

# Answers each connection with its pid, after `slow` seconds; SIGTERM lets the current one end.
ECHO = """
import os, signal, socket, sys, time
listener = socket.socket(fileno=int(sys.argv[1]))
listener.listen(4096)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("serving", flush=True)
while True:
    caller, _ = listener.accept()
    caller.sendall(str(os.getpid()).encode())
    caller.close()
"""
SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told to stop", flush=True), sys.exit(0)))
print("sleeping", flush=True)
while True:
    time.sleep(600)
"""


class Server:
    """A supervisor over `parts`: tuples of a name, a script and what it comes after."""

    def __init__(self, folder: Path, port: int) -> None:
        self.data = DataDir(folder / "data")
        self.data.create()
        self.port = port
        self.out = folder / "terminal"
        self.parts: list[dict[str, object]] = []
        self.ready_timeout = 20.0
        self.process: subprocess.Popen[bytes] | None = None

    def part(self, name: str, script: str = SLEEPER, **more: object) -> None:
        command = [sys.executable, "-c", script]
        self.parts.append({"kind": "part", "name": name, "command": command} | more)

    def proxy(self, name: str = "proxy") -> None:
        command = [sys.executable, "-c", ECHO, "{listener}"]
        self.parts.append({"kind": "part", "name": name, "command": command})

    def step(self, name: str, script: str, after: Sequence[str] = ()) -> None:
        command = [sys.executable, "-c", script]
        self.parts.append({"kind": "step", "name": name, "command": command, "after": list(after)})

    def start(self, *, environment: Mapping[str, str] | None = None) -> None:
        what = {
            "data": str(self.data.root),
            "port": self.port,
            "ready_timeout": self.ready_timeout,
            "parts": self.parts,
        }
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.server.supervise", json.dumps(what)],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdout=out,
                stderr=out,
            )

    def is_ready(self) -> None:
        seen = self.said().count("all parts are ready")
        wait_until(lambda: self.said().count("all parts are ready") > seen or self.has_ended())
        assert not self.has_ended(), self.said()

    def start_ready(self) -> None:
        self.start()
        self.is_ready()

    def said(self) -> str:
        return self.out.read_text()

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def ends(self) -> int:
        assert self.process is not None
        return self.process.wait(DEADLINE)

    def terminate(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.ends()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pid(self, name: str) -> int:
        written = (self.data.run / f"{name}.pid").read_text().split()
        return int(written[0]) if written else 0

    def kill_part(self, name: str) -> int:
        """Kill it, and return the process that it was."""
        pid = self.pid(name)
        kill(pid)
        return pid

    def ask(self) -> str:
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE) as caller:
            return caller.recv(64).decode()


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture
def server(tmp_path: Path, free_port: int) -> Iterator[Server]:
    made = Server(tmp_path, free_port)
    yield made
    if made.process is not None:
        if made.has_ended():  # somebody must end what a killed supervisor left
            made.start()
        made.terminate()
