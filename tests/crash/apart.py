"""The parts of perdure apart, two of each, on one Temporal and one PostgreSQL."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from perdure.data_dir import DataDir
from perdure.settings import Settings
from server import temporal
from tests.e2e.installation import PERDURE, Installation
from tests.health import answers
from tests.ports import free_port
from tests.testbed.deadline import wait_until
from tests.testbed.kill import kill

NAMES = ("one", "two")
KINDS = ("worker", "api", "proxy")
PATIENCE = 180.0


@dataclass
class Apart:
    """Parts are named like `api-two`. The `doors` are the proxies, each with a command line."""

    home: Path
    database_url: str
    doors: dict[str, Installation] = field(default_factory=dict)
    parts: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        grpc, web, ui = free_port(), free_port(), free_port()
        self.ports = temporal.Ports(grpc=grpc, web=web, ui=ui)
        for name in NAMES:
            port = free_port()
            extra = {
                "PERDURE_INSTANCE": name,
                "PERDURE_RUNTIME": "process",
                "PERDURE_DATABASE_URL": self.database_url,
                "PERDURE_URL": f"http://127.0.0.1:{port}",
                "TEMPORAL_ADDRESS": self.ports.address,
                "TEMPORAL_NAMESPACE": temporal.NAMESPACE,
            }
            self.doors[name] = Installation(self.home, port, ui, extra)

    def start(self) -> None:
        """Temporal, two set-ups at the same time, and all parts."""
        settings = Settings(data_dir=self.doors["one"].data)
        settings.data.create()
        self._start("temporal", temporal.command(settings, self.ports))
        command = (sys.executable, "-P", "-m", "store.setup")
        for name in NAMES:
            self._start(f"setup-{name}", command)
        for name in NAMES:
            assert self.parts.pop(f"setup-{name}").wait(PATIENCE) == 0, self.log(f"setup-{name}")
        for door in self.doors.values():
            door.extra = {**door.extra, "PERDURE_TOKEN": door.token}
        for part in (f"{kind}-{name}" for kind in KINDS for name in NAMES):
            self.begin(part)
        for part in (f"{kind}-{name}" for kind in KINDS for name in NAMES):
            self.until_ready(part)

    def begin(self, part: str) -> None:
        """Start it."""
        kind, _, name = part.partition("-")
        command = [*PERDURE, kind]
        if kind == "proxy":
            command += ["--listen", f"127.0.0.1:{self.doors[name].port}"]
            # Its own API first, and the other one when that is away.
            for each in (name, *(other for other in NAMES if other != name)):
                data = self._data(each)
                command += ["--front", f"unix://{data.api_socket}"]
                command += ["--feed", f"unix://{data.internal_socket}"]
        self._start(part, command)

    def until_ready(self, part: str) -> None:
        """Wait until it says so itself."""
        kind, _, name = part.partition("-")
        data = self._data(name)
        socket, path = {
            "api": (data.api_socket, "/healthz"),
            "worker": (data.worker_socket, "/readyz"),
            "proxy": (data.proxy_socket, "/readyz"),
        }[kind]

        def ready() -> bool:
            assert self.parts[part].poll() is None, self.log(part)
            return asyncio.run(answers(socket, path)) == 200

        wait_until(ready, f"{part} is ready", PATIENCE)

    def kill(self, part: str) -> None:
        """`kill -9`."""
        kill(self.parts[part].pid)
        self.parts[part].wait()

    def stop(self) -> dict[str, int]:
        """Stop all in order; their exit codes. What does not end is killed."""
        temporal = self.parts.pop("temporal")
        codes = {part: _ended(process) for part, process in self.parts.items()}
        _ended(temporal)
        return codes

    def log(self, part: str) -> str:
        """What it said."""
        return (self.home / f"{part}.log").read_text(errors="replace")

    def logs(self) -> str:
        """What all of them said."""
        return "".join(file.read_text(errors="replace") for file in self.home.glob("*.log"))

    def _data(self, name: str) -> DataDir:
        return DataDir(self.doors[name].data, name)

    def _start(self, part: str, command: "tuple[str, ...] | list[str]") -> None:
        name = part.partition("-")[2] or "one"
        with (self.home / f"{part}.log").open("ab") as log:
            self.parts[part] = subprocess.Popen(
                command, env=self.doors[name].environment, stdout=log, stderr=log
            )


def _ended(process: "subprocess.Popen[bytes]") -> int:
    process.terminate()
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextmanager
def apart(home: Path, database_url: str) -> Iterator[Apart]:
    """All of them, ready; nothing is left afterwards."""
    home.mkdir()
    made = Apart(home, database_url)
    try:
        made.start()
        yield made
        door = made.doors["one"]
        for run in door.runs():
            door.perdure("stop", "-x", "-y", run["name"])
    finally:
        codes = made.stop()
    assert set(codes.values()) == {0}, codes
