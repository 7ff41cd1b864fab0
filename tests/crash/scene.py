"""Three services on one installation: one starts, one serves, one stops, while something dies."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from subprocess import CompletedProcess

import psutil

from tests.crash.application import application, faults_of, lives_of
from tests.crash.fault import strike, strike_engine
from tests.crash.load import CLIENTS, PATIENCE, Kind, Load, linger, stay
from tests.crash.losses import OURS, Case, Loss, Phase
from tests.crash.points import Point
from tests.e2e.containers import containers
from tests.e2e.evidence import evidence
from tests.e2e.installation import Installation, service
from tests.ports import free_port
from tests.testbed.deadline import wait_until
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE

IN_CONTAINERS = 8000
"""The port there; each has an address of its own."""
LAST_PIECES = 60
"""Of what is open while a service stops: six seconds from when the stop is seen to have begun."""
STOP_DURATION = 60
"""Seconds: longer than all of that takes on a machine that is busy, as what hangs may hang."""


@dataclass(frozen=True)
class Scene:
    """An installation whose replicas are containers of `engine`, or else plain processes.

    The last part of `folder` is part of its services' names, which no other scene may have: several
    come to one installation, and processes are counted by them. A process of it dies at the point
    for which `armed` has a file.
    """

    place: Installation
    folder: Path
    armed: Path
    engine: Engine | None = None

    def name(self, phase: StrEnum | None = None) -> str:
        """Of the service that is in this phase when the fault strikes; of the only one."""
        mark = re.sub(r"[^a-z0-9]+", "-", self.folder.name.lower())
        return f"{phase}-{mark}" if phase else mark

    def port(self) -> int:
        """For a service of this scene."""
        return IN_CONTAINERS if self.engine else free_port()

    def begin(self, name: str, *, starting: float = 0.0, ending: float = 0.0) -> None:
        """Apply, detached."""
        port = self.port()
        self.apply(name, port, application(port, starting=starting, ending=ending))

    def apply(self, name: str, port: int, source: str, **properties: object) -> None:
        """Apply this application, detached."""
        asked = {"stop_duration": STOP_DURATION, **properties}
        if self.engine:
            asked = {"image": BASE_IMAGE, **asked}
        folder = service(self.folder / name, port, source, **asked)
        self.place.perdure("apply", "-y", "-d", folder=folder)

    def begin_to_serve(self, name: str) -> None:
        """And wait until it does."""
        self.begin(name, ending=1.0)
        self.place.until_ready(name)

    def url(self, name: str) -> str:
        """Of a service of the project `main`."""
        return f"{self.place.url}/proxy/services/main/{name}/"

    def strike(self, case: Case) -> None:
        """Let it happen."""
        if case.part in OURS:
            strike(self.place, case.part, case.fault)
        else:
            assert self.engine is not None
            strike_engine(self.engine, case.fault)

    def life(self, name: str) -> str:
        """Which life of the application answers."""
        with self.place.client() as client:
            return client.get(self.url(name), timeout=PATIENCE).text

    def count(self, name: str) -> int:
        """How many containers, or processes, there are of this service."""
        if self.engine is not None:
            return len(containers(self.engine, name))
        count = 0
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cmdline()[1:] == ["app.py"]:
                    count += process.environ()["DSTACK_RUN_NAME"] == name
        return count

    def lives(self, name: str) -> dict[str, list[str]]:
        """What each life of the application has said, as the store has it."""
        return lives_of(self.place.perdure("logs", name).splitlines())

    def faults(self, name: str, *, whole: bool = True) -> list[str]:
        """What is wrong with what the application said to its end, as the store has it."""
        return faults_of(self.place.perdure("logs", name).splitlines(), whole=whole)


@dataclass(frozen=True)
class Farewell:
    """What is open at a service while it stops: a stream, an upload, and the stop itself."""

    stream: Future[None]
    upload: Future[None]
    stop: Future["CompletedProcess[str]"]


@contextmanager
def farewell(scene: Scene, name: str, pieces: int = LAST_PIECES) -> Iterator[Farewell]:
    """Begin a stream and an upload, then the stop, which has begun when this goes on.

    The two stay open until then, however long that takes: else there would be nothing to wait for,
    and the stop might be over before anybody had seen it.
    """
    begun = threading.Event()
    with scene.place.client() as client, ThreadPoolExecutor() as pool:
        client.timeout = PATIENCE
        url = scene.url(name)
        last = Farewell(
            pool.submit(stay, client, url),
            pool.submit(linger, client, url, begun, pieces),
            pool.submit(scene.place.run, "stop", "-y", name, timeout=180),
        )
        try:
            wait_until(lambda: scene.place.phase(name) == "terminating", "the stop has begun", 90)
        except TimeoutError as error:
            seen = f"{scene.place.phase(name)}: {last}"
            raise AssertionError(
                f"{seen}\n{evidence(scene.place.data, scene.place.log)}"
            ) from error
        finally:
            begun.set()
        yield last


def endure(scene: Scene, case: Case) -> None:
    """The fault strikes all three. Each goes its way, and loses what the case says, or less."""
    place = scene.place
    starts, serves, stops = (scene.name(phase) for phase in Phase)
    with ThreadPoolExecutor() as pool:
        for ready in [pool.submit(scene.begin_to_serve, name) for name in (serves, stops)]:
            ready.result()
    life, replicas = scene.life(serves), place.until_ready(serves)["replicas"]
    with Load(scene.url(serves), place.token) as load:
        load.go_on()
        scene.begin(starts, starting=3.0, ending=1.0)
        with farewell(scene, stops) as last:
            assert place.phase(starts) in ("submitted", "provisioning", "pulling", "running")
            scene.strike(case)
            wait_until(lambda: place.phase(stops) == "terminated", "it has stopped", 90)
        place.until_ready(starts)
        load.go_on()
    hold_losses(case, load, last)
    assert (scene.life(serves), place.until_ready(serves)["replicas"]) == (life, replicas)
    alive = {phase: scene.count(scene.name(phase)) for phase in Phase}
    assert alive == {Phase.STARTING: 1, Phase.SERVING: 1, Phase.STOPPING: 0}, alive
    place.perdure("stop", "-y", starts, serves)
    alive = {phase: scene.count(scene.name(phase)) for phase in Phase}
    assert not any(alive.values()), alive
    wrong = {
        phase: scene.faults(scene.name(phase), whole=case.loss(phase) is not Loss.LAST_LINES)
        for phase in Phase
    }
    assert not any(wrong.values()), wrong


def hold_losses(case: Case, load: Load, last: Farewell) -> None:
    """Each client lost one answer at most, each WebSocket broke once; or nothing was lost."""
    lost = {kind: load.lost[kind] for kind in Kind}
    if case.loss(Phase.SERVING) is Loss.CONNECTIONS:
        assert all(lost[kind] <= CLIENTS[kind] for kind in Kind), load.reasons
        assert lost[Kind.SOCKET] == CLIENTS[Kind.SOCKET], load.reasons
    else:
        assert not any(lost.values()), load.reasons
    if case.loss(Phase.STOPPING) is not Loss.CONNECTIONS:
        last.stream.result()
        last.upload.result()
    assert last.stop.result().returncode == 0, last.stop.result().stderr


def live_through(scene: Scene, point: Point) -> None:
    """One service, from apply to stop, while the process dies that first comes to the point."""
    name = scene.name()
    fuse = scene.armed / point.name
    fuse.touch()
    scene.begin_to_serve(name)
    assert scene.count(name) == 1
    scene.place.perdure("stop", "-y", name)
    assert not fuse.exists(), "nothing was killed"
    assert scene.count(name) == 0
    assert scene.faults(name) == []
    assert scene.place.phase(name) == "terminated"
