"""Services that change while something is struck: each comes to where it was going.

A course is one service and one change of it. All courses of a scene are under way when the fault
strikes.
"""

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from enum import StrEnum
from typing import ClassVar

from spec.decision import Rule
from spec.scale import ScalingRule
from tests.crash.application import application, faults_of
from tests.crash.losses import Case, Loss, Phase
from tests.crash.scene import Scene
from tests.e2e.steady import Steady
from tests.e2e.switch import FAILS, switch
from tests.e2e.views import is_asleep, is_empty, serves
from tests.testbed.deadline import wait_until

PATIENCE = 240.0
"""Seconds for a change: what hangs for a minute comes first, and other scenes run beside it."""
WAITING = 5
"""Requests that wait for a service without a replica."""
DELAY = 12
"""Seconds: `scale_down_delay` of what is to fall while the fault strikes."""
BUSY = {"metric": "in_flight", "target": 4}


class Change(StrEnum):
    """What becomes of a service."""

    UPDATED = "updated"
    WAKING = "waking"
    RISING = "rising"
    FALLING = "falling"
    RETRIED = "retried"


class Course(ABC):
    """One service of a scene. `lossy`: the fault breaks each connection once.

    `lives` are those that the application has in all.
    """

    change: ClassVar[Change]
    lives = 2

    def __init__(self, scene: Scene, stack: ExitStack, *, lossy: bool) -> None:
        self.scene = scene
        self.place = scene.place
        self.name = scene.name(self.change)
        self._stack = stack
        self._lossy = lossy
        self._port = scene.port()

    @abstractmethod
    def prepare(self) -> None:
        """Until it is as it was before the change."""

    @abstractmethod
    def begin(self) -> None:
        """The change begins."""

    @abstractmethod
    def complete(self) -> None:
        """Wait until it has come to its end, and hold what must be true then."""

    def apply(self, starting: float = 0.0, **properties: object) -> None:
        """Its application, which counts."""
        source = application(self._port, starting=starting, ending=1.0)
        self.scene.apply(self.name, self._port, source, **properties)

    def load(self, *, clients: int, rate: float, rounds: int = 0, streams: int = 0) -> Steady:
        """A load on it, from now on."""
        url, token = self.scene.url(self.name), self.place.token
        load = Steady(url, token, clients=clients, rate=rate, rounds=rounds, streams=streams)
        return self._stack.enter_context(load)

    def waiting(self) -> Steady:
        """Requests that wait until it has a replica."""
        load = self.load(clients=WAITING, rate=50, rounds=1)
        wait_until(
            lambda: self.place.held(self.name) + load.requests >= WAITING,
            f"requests wait for {self.name}",
            60,
        )
        return load

    def until_serving(self, count: int, deployment: int = 0) -> None:
        """Wait for so many replicas, and hold that there is nothing else of it."""
        self.ask()
        self.place.until(self.name, lambda run: serves(run, count, deployment), "serves", PATIENCE)
        assert self.scene.count(self.name) == count

    def ask(self) -> None:
        """One request, which may wait."""
        with self.place.client() as client:
            client.get(self.scene.url(self.name), timeout=PATIENCE).raise_for_status()

    def hold(self, load: Steady) -> None:
        """It was answered throughout; where connections broke, each client lost one answer."""
        load.stop()
        assert load.failed <= (load.clients if self._lossy else 0), load.wrong

    def hold_decided(self, words: str) -> None:
        """It has decided this, once."""
        wait_until(lambda: self._told(words) > 0, f"{self.name}: {words}", 60)
        assert self._told(words) == 1, self.place.decisions(self.name)

    def hold_end(self) -> None:
        """It was stopped: nothing is left, each decision was kept once, and so was each line."""
        assert self.scene.count(self.name) == 0
        decisions = self.place.decisions(self.name)
        numbers = [each["number"] for each in decisions]
        assert numbers == list(range(1, len(numbers) + 1)), decisions
        rules = [each["rule"] for each in decisions]
        assert rules.count(Rule.STOPPED) == 1, decisions
        assert set(rules[rules.index(Rule.STOPPED) + 1 :]) <= {Rule.ENDED}, decisions
        told = self.scene.lives(self.name)
        assert len(told) == self.lives, told.keys()
        wrong = {life: faults_of(lines, whole=_is_whole(lines)) for life, lines in told.items()}
        assert not any(wrong.values()), wrong

    def _told(self, words: str) -> int:
        return sum(words in each["outcome"] for each in self.place.decisions(self.name))


class Updated(Course):
    """By turns, where two replicas can run beside each other; else requests wait."""

    change = Change.UPDATED

    def __init__(self, scene: Scene, stack: ExitStack, *, lossy: bool) -> None:
        super().__init__(scene, stack, lossy=lossy)
        self._count = 2 if scene.engine else 1
        self.lives = 2 * self._count

    def prepare(self) -> None:
        self.apply(replicas=self._count)
        self.place.until_ready(self.name, self._count)

    def begin(self) -> None:
        self._load = self.load(clients=3, rate=15, streams=1)
        self._load.go_on()
        self.apply(starting=3.0, replicas=self._count)

    def complete(self) -> None:
        self.until_serving(self._count, 2)
        self._load.go_on()
        self.hold(self._load)
        assert len(self._load.said) == self.lives, "all of the old ones and all of the new ones"
        self.hold_decided("Revision 2 was applied.")
        self.hold_decided("Revision 2 serves, and nothing older is left.")


class Waking(Course):
    """From none to one, as requests wait for it."""

    change = Change.WAKING

    def prepare(self) -> None:
        self.apply(starting=3.0, replicas="0..1", scaling=BUSY)
        self.place.until_ready(self.name)
        self.place.scale(self.name, 0)
        self.place.until(self.name, is_empty, "has no replica")
        self.place.scale(self.name, None)
        self.place.until(self.name, is_asleep, "sleeps")

    def begin(self) -> None:
        self._load = self.waiting()

    def complete(self) -> None:
        self.until_serving(1)
        self.hold(self._load)
        self.hold_decided(ScalingRule.FROM_ZERO)


class Rising(Course):
    """From one to two, as more is asked of it than one can take."""

    change = Change.RISING

    def prepare(self) -> None:
        self.apply(starting=3.0, replicas="1..2", scaling=BUSY)
        self.place.until_ready(self.name)

    def begin(self) -> None:
        self._load = self.load(clients=2, rate=10, streams=8)
        self._load.go_on(5)

    def complete(self) -> None:
        self.until_serving(2)
        self._load.go_on()
        self.hold(self._load)
        self.hold_decided(f"From 1 to 2 replicas: {ScalingRule.UP}.")


class Falling(Course):
    """From two to one, or from one to none: what was set by hand is taken back, and not needed."""

    change = Change.FALLING

    def __init__(self, scene: Scene, stack: ExitStack, *, lossy: bool) -> None:
        super().__init__(scene, stack, lossy=lossy)
        self._least = 1 if scene.engine else 0

    def prepare(self) -> None:
        least, most = self._least, self._least + 1
        soon = {**BUSY, "scale_down_delay": DELAY}
        self.apply(replicas=f"{least}..{most}", scaling=soon)
        self.place.scale(self.name, most)
        self.place.until_ready(self.name, most)

    def begin(self) -> None:
        self._load = self.load(clients=2, rate=10) if self._least else None
        self.place.scale(self.name, None)

    def complete(self) -> None:
        if self._load is None:
            self.place.until(self.name, is_asleep, "sleeps", PATIENCE)
            assert self.scene.count(self.name) == 0
            self.hold_decided(ScalingRule.DOWN)
            self.ask()
            return
        self.until_serving(1)
        self._load.go_on()
        self.hold(self._load)
        self.hold_decided(ScalingRule.DOWN)


class Retried(Course):
    """A replica fails, and is tried again after 15 seconds; requests wait meanwhile."""

    change = Change.RETRIED

    def prepare(self) -> None:
        self._switch = self._stack.enter_context(switch())
        self._switch.on(FAILS)

    def begin(self) -> None:
        folder = self._switch.folder
        source = application(self._port, starting=3.0, ending=1.0, switch=folder)
        self.scene.apply(self.name, self._port, source, retry=True)
        self.place.until(self.name, lambda run: bool(run["retrying"]), "is to be tried again")
        self._switch.off(FAILS)
        self._load = self.waiting()

    def complete(self) -> None:
        self.until_serving(1)
        self.hold(self._load)
        self.hold_decided("Replica 0 failed: ")
        self.hold_decided("Replica 0 is tried again in ")


WITH_PROCESSES = (Retried, Falling, Updated, Waking)
"""In the order in which they begin: those that take longest first."""
WITH_DOCKER = (Falling, Updated, Rising)


def change(scene: Scene, case: Case) -> None:
    """The fault strikes all of them. Each becomes what it was to become."""
    lossy = case.loss(Phase.SERVING) is Loss.CONNECTIONS
    with ExitStack() as stack:
        kinds = WITH_DOCKER if scene.engine else WITH_PROCESSES
        courses = [kind(scene, stack, lossy=lossy) for kind in kinds]
        with ThreadPoolExecutor() as pool:
            for ready in [pool.submit(course.prepare) for course in courses]:
                ready.result()
        for course in courses:
            course.begin()
        scene.strike(case)
        for course in courses:
            course.complete()
        scene.place.perdure("stop", "-y", *(course.name for course in courses), timeout=180)
        for course in courses:
            course.hold_end()


def _is_whole(lines: list[str]) -> bool:
    """Whether it was told to end."""
    return lines[-1].split()[1] != "fails"
