"""One service that changes, while the process dies that first comes to a point of that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx

from tests.crash.application import application, faults_of
from tests.crash.points import Point
from tests.crash.scene import Scene
from tests.e2e.steady import Steady
from tests.e2e.switch import SICK, switch
from tests.e2e.views import View, is_asleep, is_empty, ready, serves
from tests.testbed.deadline import wait_until

BUSY = {"metric": "in_flight", "target": 4}
SOON = {**BUSY, "scale_down_delay": 3}
PROBES = [{"type": "http", "url": "/health", "interval": 1}]


def is_updated_through(scene: Scene, point: Point) -> None:
    """New replicas take over, and no request fails."""
    name, port = scene.name(), scene.port()
    count = 2 if scene.engine else 1
    scene.apply(name, port, application(port), replicas=count)
    scene.place.until_ready(name, count)
    with Steady(scene.url(name), scene.place.token, clients=3, rate=15) as load:
        load.go_on()
        with armed(scene, point):
            scene.apply(name, port, application(port, starting=1.0), replicas=count)
            until(scene, lambda run: serves(run, count, 2), "serves anew")
        load.go_on()
    assert (load.failed, load.wrong) == (0, [])
    hold_end(scene, replicas=count, lives=2 * count)


def sleeps_and_wakes_through(scene: Scene, point: Point) -> None:
    """Its load says that none is needed, and a request that one is.

    The request is repeated where the proxy dies that has it.
    """
    name, port = scene.name(), scene.port()
    source = application(port)
    scene.apply(name, port, source, replicas="0..1", scaling=BUSY)
    scene.place.until_ready(name)
    with armed(scene, point):
        scene.apply(name, port, source, replicas="0..1", scaling=SOON)
        until(scene, is_asleep, "sleeps")
        assert scene.count(name) == 0
        # Once awake it is to stay so: of a proxy that has just begun, nobody knows what came to it.
        scene.apply(name, port, source, replicas="0..1", scaling=BUSY)
        wait_until(lambda: is_answered(scene), "it is awake", 120)
    until(scene, lambda run: serves(run, 1), "serves again")
    hold_end(scene, replicas=1, lives=2)


def is_set_through(scene: Scene, point: Point) -> None:
    """Somebody sets the number, and takes that back."""
    name, port = scene.name(), scene.port()
    scene.apply(name, port, application(port))
    scene.place.until_ready(name)
    with armed(scene, point):
        scene.place.perdure("scale", name, "0", timeout=180)
        until(scene, is_empty, "has no replica")
    assert scene.count(name) == 0
    scene.place.perdure("scale", name, "--auto", timeout=180)
    until(scene, lambda run: serves(run, 1), "serves again")
    hold_end(scene, replicas=1, lives=2)


def falls_ill_through(scene: Scene, point: Point) -> None:
    """Its probe fails for a while; requests wait until it is well again."""
    name, port = scene.name(), scene.port()
    with switch() as doctor:
        source = application(port, switch=doctor.folder)
        scene.apply(name, port, source, probes=PROBES)
        scene.place.until_ready(name)
        with armed(scene, point):
            doctor.on(SICK)
            until(scene, is_ill, "has left the routes")
        wait_until(lambda: scene.place.routed(name) == 0, "the proxy has heard")
        with Steady(scene.url(name), scene.place.token, clients=3, rate=30, rounds=1) as load:
            wait_until(lambda: scene.place.held(name) == 3, "requests wait", 60)
            doctor.off(SICK)
        assert (load.requests, load.failed) == (3, 0), load.wrong
        until(scene, lambda run: serves(run, 1), "serves again")
    hold_end(scene, replicas=1, lives=1)


@contextmanager
def armed(scene: Scene, point: Point) -> Iterator[None]:
    """Where a process must have died at the point."""
    fuse = scene.armed / point.name
    fuse.touch()
    yield
    assert not fuse.exists(), "nothing was killed"


def until(scene: Scene, holds: Callable[[View], bool], what: str) -> None:
    """Wait until that is true of the only service."""
    scene.place.until(scene.name(), holds, what)


def is_ill(run: View) -> bool:
    """Whether its only replica is out of the routes by its probes."""
    return ready(run) == 0 and [each["health"] for each in run["replicas"]] == ["unhealthy"]


def is_answered(scene: Scene) -> bool:
    """Whether a request is answered, after it may have waited."""
    with scene.place.client() as client, suppress(httpx.HTTPError):
        return client.get(scene.url(scene.name()), timeout=120).is_success
    return False


def hold_end(scene: Scene, *, replicas: int, lives: int) -> None:
    """Nothing is doubled; after the stop nothing is left, and all that was told is there once."""
    name = scene.name()
    assert scene.count(name) == replicas
    scene.place.perdure("stop", "-y", name, timeout=180)
    assert scene.count(name) == 0
    numbers = [each["number"] for each in scene.place.decisions(name)]
    assert numbers == list(range(1, len(numbers) + 1))
    told = scene.lives(name)
    assert len(told) == lives, told.keys()
    wrong = {life: faults_of(lines, whole=True) for life, lines in told.items()}
    assert not any(wrong.values()), wrong
