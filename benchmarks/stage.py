"""Installations with the settings as shipped, and what benchmarks ask of them."""

import shlex
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from cli.client import Client
from cli.connection import Connection
from perdure.data_dir import DataDir
from perdure.settings import Settings
from spec.route import RouteReport, RouteTable
from spec.scale import ScaleRequest
from spec.service import ServiceConfiguration
from spec.submission import Applied, ApplyCall, RunView, StopCall
from tests.e2e.installation import Installation
from tests.ports import free_port
from tests.testbed import rootfs
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE, BED, alone, import_image
from tests.testbed.namespace import Namespace

Item = TypeVar("Item")

QUICKENED = ("heartbeat", "sticky_timeout", "lease", "anti_entropy", "owner_check")
"""Settings that installations of tests have smaller than they are shipped."""
AS_SHIPPED = {
    f"PERDURE_{name.upper()}": f"{Settings.model_fields[name].default:g}" for name in QUICKENED
}

PATIENCE = 120.0
"""Seconds for anything that is waited for."""
ANSWER_TIME = 60.0
"""Seconds that the API may take for one answer: several ask at once."""
AT_ONCE = 8
"""Requests to the API at a time."""

PAGE = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *words):
        pass
ThreadingHTTPServer(("0.0.0.0", PORT), Page).serve_forever()
"""


@contextmanager
def installed(runtime: str, **extra: str) -> Iterator[Installation]:
    """A running one; what it has started is stopped afterwards."""
    with tempfile.TemporaryDirectory() as home:
        settings = {**AS_SHIPPED, "PERDURE_RUNTIME": runtime, **extra}
        place = Installation(Path(home), free_port(), free_port(), settings)
        try:
            place.start()
            try:
                yield place
            finally:
                clear(place)
        finally:
            place.stop()


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """An engine of the test bed with `BASE_IMAGE`; tests that need the bed wait meanwhile."""
    with alone("lock"):
        engine = Engine(Namespace(0), BED / "e0")
        try:
            engine.create()
            import_image(engine, BASE_IMAGE, rootfs.base_tar())
            yield engine
        finally:
            engine.remove()


def program(port: int) -> str:
    """A page of two bytes on this port, in Python."""
    return PAGE.replace("PORT", str(port))


def page(name: str, port: int, **properties: object) -> dict[str, object]:
    """A service that answers with that page; it has no code."""
    return {
        "type": "service",
        "name": name,
        "commands": [shlex.join(["python3", "-c", program(port)])],
        "port": port,
        "resources": {"cpu": "1..", "memory": "0.1GB..", "disk": "0.1GB.."},
        "stop_duration": 5,
        **properties,
    }


def calls(place: Installation) -> Client:
    """A client of its API, to be entered."""
    return Client(Connection("main", place.url, place.token))


def apply(client: Client, asked: dict[str, object]) -> int:
    """Apply without a plan; the revision."""
    call = ApplyCall(configuration=ServiceConfiguration.model_validate(asked))
    applied = client.post(Applied, client.in_project("runs"), call, seconds=ANSWER_TIME)
    return applied.accepted.revision


def scale(client: Client, name: str, replicas: int | None) -> None:
    """Set the number of replicas; None takes that back."""
    request = ScaleRequest() if replicas is None else ScaleRequest(replicas=replicas)
    client.post(RunView, client.in_project("runs", name, "scale"), request, seconds=ANSWER_TIME)


def stop(client: Client, name: str) -> None:
    """Ask a run to end at once."""
    where = client.in_project("runs", name, "stop")
    client.post(RunView, where, StopCall(abort=True), seconds=ANSWER_TIME)


def run_of(client: Client, name: str) -> RunView:
    return client.get(RunView, client.in_project("runs", name))


def runs(client: Client) -> list[RunView]:
    """Those that live."""
    return client.get(list[RunView], client.in_project("runs"))


def until_ready(client: Client, name: str, count: int = 1, deployment: int = 1) -> None:
    """Wait until it has exactly so many replicas, all ready and of that deployment."""

    def holds() -> bool:
        replicas = run_of(client, name).replicas
        right = [each for each in replicas if each.ready and each.deployment == deployment]
        return len(right) == len(replicas) == count

    until(holds, f"{name} has {count} replicas of deployment {deployment}")


def routes(place: Installation) -> dict[str, RouteTable]:
    """The tables that the proxy has, by the name of the run."""
    socket = str(DataDir(place.data).proxy_socket)
    transport = httpx.HTTPTransport(uds=socket, verify=False)
    with httpx.Client(transport=transport, base_url="http://proxy", timeout=30) as proxy:
        report = RouteReport.model_validate_json(proxy.get("/admin/routes").content)
    return {table.run: table for table in report.routes}


def clear(place: Installation) -> None:
    """Stop all runs, and wait until nothing is left of them."""
    with calls(place) as client:
        in_parallel(partial(stop, client), [run.name for run in runs(client)])
        until(lambda: not runs(client), "all runs have ended", pause=0.5)


def in_parallel(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Do it for each, some at a time. Raises the first error."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(work, items):
            pass


def until(condition: Callable[[], bool], what: str, pause: float = 0.1) -> None:
    """Look every `pause` seconds, seldom enough to cost nothing beside what is measured."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"In {PATIENCE:.0f} s it did not happen: {what}")
        time.sleep(pause)
