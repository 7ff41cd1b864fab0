"""A case of the suite, and the grounds on which cases run side by side: they mostly wait."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.crash import points
from tests.crash.scene import Scene
from tests.e2e.installation import Installation, installation
from tests.testbed.engine import Engine


class Ground(StrEnum):
    """What the installations of a case are like."""

    PROCESSES = "processes"
    PATIENT = "processes that hang"
    DOCKER = "Docker"
    MORTAL = "Docker that dies"


WIDTHS = {Ground.PROCESSES: 1, Ground.PATIENT: 3, Ground.DOCKER: 1, Ground.MORTAL: 1}
"""Installations at once. What hangs for a minute needs no processor for that."""


@dataclass(frozen=True, eq=False)
class Trial:
    """`run` does something to the services of a scene, and holds what must be true then."""

    name: str
    ground: Ground
    run: Callable[[Scene], None] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.name}, {self.ground}"


class Lanes:
    """The installations of one ground. Each outlives all trials that come to it, in turn."""

    def __init__(self, ground: Ground, folder: Path, engine: Engine | None) -> None:
        self._ground = ground
        self._folder = folder
        self._engine = engine
        self._pool = ThreadPoolExecutor(WIDTHS[ground])
        self._own = threading.local()
        self._open = ExitStack()

    def submit(self, trial: Trial) -> Future[None]:
        """Run it as soon as there is a place."""
        return self._pool.submit(self._run, trial)

    def close(self) -> None:
        """Stop the installations, in order."""
        self._pool.shutdown(cancel_futures=True)
        self._open.close()

    def _run(self, trial: Trial) -> None:
        folder = self._folder / trial.name.replace(" ", "-")
        trial.run(Scene(self._place(), folder, self._armed, self._engine))

    def _place(self) -> Installation:
        known: Installation | None = getattr(self._own, "place", None)
        if known is None:
            home = self._folder / threading.current_thread().name
            self._own.armed = home / "armed"
            self._own.armed.mkdir(parents=True, exist_ok=True)
            engine = self._engine
            runtime = (
                {"PERDURE_RUNTIME": "process"}
                if engine is None
                else {"PERDURE_RUNTIME": "docker", "PERDURE_DOCKER_HOST": engine.url}
            )
            made = installation(home, **runtime, **points.settings(self._own.armed))
            self._own.place = known = self._open.enter_context(made)
        return known

    @property
    def _armed(self) -> Path:
        armed: Path = self._own.armed
        return armed
