"""How long starts take: `python -m benchmarks.startup [ROUNDS]` prints a table of medians.

Each round measures every row once, beside what it is compared with, so that other load on the
machine meets both alike. CPU seconds are of all processes that were started, until ready.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import psutil

from tests.e2e.installation import PERDURE, Installation, service
from tests.ports import free_port

ROUNDS = 5
PATIENCE = 60.0  # seconds
TRIVIAL = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words):
        pass
HTTPServer(("127.0.0.1", {port}), Hello).serve_forever()
"""


@dataclass
class Row:
    """Seconds of something, and of what it is compared with, round by round."""

    name: str
    beside: str = ""
    seconds: list[float] = field(default_factory=list)
    compared: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.name:<46}", f"{statistics.median(self.seconds):7.3f} s"]
        parts.append(f"{statistics.median(self.cpu):7.3f} s" if self.cpu else f"{'':9}")
        if self.compared:
            pairs = zip(self.seconds, self.compared, strict=True)
            more = statistics.median(mine - other for mine, other in pairs)
            parts.append(f"{more:+7.3f} s against {self.beside}")
        return "  ".join(parts).rstrip()


def took(deed: Callable[[], object]) -> float:
    began = time.monotonic()
    deed()
    return time.monotonic() - began


def cpu_seconds(server: psutil.Process) -> float:
    """Of a process, the children that it has, and those that it had."""
    total = 0.0
    for process in [server, *server.children(recursive=True)]:
        spent = process.cpu_times()
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def started(place: Installation, row: Row) -> None:
    row.seconds.append(took(place.start))
    assert place.process is not None
    row.cpu.append(cpu_seconds(psutil.Process(place.process.pid)))


def ended(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def alone(script: str) -> Iterator[None]:
    """The same program, started by hand."""
    with subprocess.Popen([sys.executable, "-c", script]) as program:
        try:
            yield
        finally:
            program.kill()


def until_200(client: httpx.Client, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if client.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not there yet
        time.sleep(0.005)
    raise TimeoutError(url)


def apply_and_ask(place: Installation, folder: Path, row: Row) -> None:
    port = free_port()
    with httpx.Client(trust_env=False) as direct:

        def by_hand() -> None:
            with alone(TRIVIAL.format(port=port)):
                until_200(direct, f"http://127.0.0.1:{port}/")

        row.compared.append(took(by_hand))
    service(folder, port, TRIVIAL.format(port=port))
    with place.client() as client:

        def apply() -> None:
            place.perdure("apply", "-y", "-d", folder=folder)
            until_200(client, f"/proxy/services/main/{folder.name}/")

        row.seconds.append(took(apply))
    place.perdure("stop", "-x", "-y", folder.name)


def measure(rounds: int) -> list[Row]:
    help_row = Row("perdure --help", "python -c pass")
    first, second = Row("perdure server, first start, to ready"), Row("perdure server, later start")
    apply = Row("perdure apply to the first 200", "the program alone")
    for number in range(rounds):
        help_row.seconds.append(took(partial(ended, *PERDURE, "--help")))
        help_row.compared.append(took(partial(ended, sys.executable, "-c", "pass")))
        with tempfile.TemporaryDirectory() as home:
            place = Installation(
                Path(home), free_port(), free_port(), {"PERDURE_RUNTIME": "process"}
            )
            started(place, first)
            try:
                place.stop()
                started(place, second)
                apply_and_ask(place, Path(home) / f"hello-{number}", apply)
            finally:
                place.stop()
    return [help_row, first, second, apply]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"{'medians of ' + str(rounds):<46}  {'wall':>9}  {'CPU':>9}")
    for row in measure(rounds):
        print(row)


if __name__ == "__main__":
    main()
