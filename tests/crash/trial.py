"""A case of the suite, and the grounds on which cases run side by side: they mostly wait."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from pathlib import Path
from threading import Lock

from tests.crash import points
from tests.crash.losses import OURS, Case, Fault, Host
from tests.crash.scene import Scene
from tests.e2e.installation import Installation, installation
from tests.testbed.engine import Engine


class Ground(StrEnum):
    """What the installations of a case are like."""

    PROCESSES = "processes"
    PATIENT = "processes that hang"
    DOCKER = "Docker"
    MORTAL = "Docker that dies"


WIDTHS = {Ground.PROCESSES: 2, Ground.PATIENT: 4, Ground.DOCKER: 1, Ground.MORTAL: 1}
"""Installations at once. What hangs for a minute needs no processor for that."""

ARMED = "armed"
OPENING = Lock()
"""Many servers that start at once would each take longer than a server may."""


def ground_of(case: Case, host: Host) -> Ground:
    """Where a case is tried. A part of Docker is struck where nobody else needs it."""
    if host is Host.DOCKER:
        return Ground.DOCKER if case.part in OURS else Ground.MORTAL
    return Ground.PROCESSES if case.fault is Fault.KILL else Ground.PATIENT


@dataclass(frozen=True, eq=False)
class Trial:
    """`run` does something to the services of a scene, and holds what must be true then."""

    name: str
    ground: Ground
    run: Callable[[Scene], None] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.name}, {self.ground}"


class Lanes:
    """The installations of one ground. Each outlives all trials that come to it, in turn.

    One that failed a trial is stopped: what it has left would disturb the next.
    """

    def __init__(self, ground: Ground, folder: Path, engine: Engine | None) -> None:
        self._ground = ground
        self._folder = folder
        self._engine = engine
        self._pool = ThreadPoolExecutor(WIDTHS[ground])
        self._numbers = count()
        self._free: list[tuple[Installation, ExitStack]] = []

    def submit(self, trial: Trial) -> Future[None]:
        """Run it as soon as there is a place."""
        return self._pool.submit(self._run, trial)

    def close(self) -> None:
        """Stop the installations, in order."""
        self._pool.shutdown(cancel_futures=True)
        for _, life in self._free:
            life.close()

    def _run(self, trial: Trial) -> None:
        place, life = self._free.pop() if self._free else self._opened()
        try:
            folder = self._folder / f"{trial.ground.name} {trial.name}".replace(" ", "-")
            trial.run(Scene(place, folder, armed(place), self._engine))
        except BaseException:
            life.close()
            raise
        self._free.append((place, life))

    def _opened(self) -> tuple[Installation, ExitStack]:
        home = self._folder / f"home-{next(self._numbers)}"
        settings = {"PERDURE_RUNTIME": "process"}
        if self._engine is not None:
            settings = {"PERDURE_RUNTIME": "docker", "PERDURE_DOCKER_HOST": self._engine.url}
        life = ExitStack()
        made = installation(home, **settings, **points.settings(home / ARMED))
        with OPENING:
            place = life.enter_context(made)
        armed(place).mkdir()
        return place, life


def armed(place: Installation) -> Path:
    """Where a file stands for each point at which a process of the installation is to die."""
    return place.home / ARMED
