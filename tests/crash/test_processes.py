"""Any one process may die or hang while services start, serve and stop."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.crash.application import application, faults_of
from tests.crash.fault import PARTS, SUPERVISOR, Fault, strike
from tests.crash.load import CLIENTS, Load
from tests.e2e.installation import Installation, installation, service
from tests.ports import free_port
from tests.testbed.deadline import wait_until

HANG = 60.0
QUICK = [(Fault.KILL, part) for part in ("worker", "proxy", SUPERVISOR)]
CASES = [
    pytest.param(
        *(fault, part),
        id=f"{fault} {part}",
        marks=[] if (fault, part) in QUICK else pytest.mark.long,
    )
    for fault in Fault
    for part in PARTS
]
STREAM = 30
"""Events of the stream that is open while its service stops: three seconds."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    """An installation of its own: it is about to be broken."""
    with installation(tmp_path / "home", PERDURE_RUNTIME="process") as made:
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("fault", "part"), CASES)
def test_services_start_serve_and_stop_all_the_same(
    place: Installation, tmp_path: Path, fault: Fault, part: str
) -> None:
    serves, stops, starts = (f"{verb}-{place.port}" for verb in ("serves", "stops", "starts"))
    for name in (serves, stops):
        begin(place, tmp_path / name, ending=1.0)
        place.until_ready(name)
    serving = replicas(place, serves)
    with Load(url(place, serves), place.token) as load, ThreadPoolExecutor() as pool:
        load.go_on(20)
        stream = pool.submit(events, place, stops, STREAM)
        begin(place, tmp_path / starts, starting=2.0)
        stop = pool.submit(place.run, "stop", "-y", stops, timeout=180)
        wait_until(lambda: place.phase(stops) == "terminating", "the stop has begun")
        assert place.phase(starts) in ("provisioning", "pulling", "running")
        strike(place, part, fault, HANG)
        wait_until(lambda: place.phase(stops) == "terminated", "it has stopped", 90)
        place.until_ready(starts)
        load.go_on(20)
    if part == "proxy":
        # Its own connections are lost with it, and no other.
        assert sum(load.failed.values()) <= CLIENTS + 1
        assert "a wrong answer" not in load.failed
    else:
        assert load.failed == {}
        assert stream.result() == STREAM
    assert stop.result().returncode == 0, stop.result().stderr
    assert replicas(place, serves) == serving
    assert processes(stops) == 0
    assert processes(starts) == processes(serves) == 1
    assert faults_of(log(place, serves), ended=False) == []
    assert faults_of(log(place, starts), ended=False) == []
    assert faults_of(log(place, stops), ended=True) == []


def begin(place: Installation, folder: Path, *, starting: float = 0.0, ending: float = 0.0) -> None:
    """Apply, detached."""
    port = free_port()
    service(folder, port, application(port, starting=starting, ending=ending), stop_duration=10)
    place.perdure("apply", "-y", "-d", folder=folder)


def url(place: Installation, name: str) -> str:
    """Of a service of the project `main`."""
    return f"{place.url}/proxy/services/main/{name}/"


def events(place: Installation, name: str, count: int) -> int:
    """How many events of a stream arrive."""
    with place.client() as client:
        return client.get(f"{url(place, name)}{count}", timeout=120).text.count(".")


def replicas(place: Installation, name: str) -> list[tuple[int, int]]:
    """Numbers and deployments, and the process that answers."""
    with place.client() as client:
        pid = int(client.get(url(place, name)).text)
    found = place.until_ready(name)["replicas"]
    return [(replica["num"], pid) for replica in found]


def processes(name: str) -> int:
    """How many processes run the application of this service."""
    count = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cmdline()[1:] == ["app.py"]:
                count += process.environ()["DSTACK_RUN_NAME"] == name
    return count


def log(place: Installation, name: str) -> list[str]:
    """What the application said, as the store has it."""
    return place.perdure("logs", name).splitlines()
