"""Two APIs, two workers and two proxies, on one PostgreSQL: any one may be killed at any time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.crash.apart import KINDS, NAMES, Apart, apart
from tests.crash.application import faults_of
from tests.crash.load import Load
from tests.crash.test_processes import begin, log, processes, replicas, url
from tests.e2e.installation import Installation
from tests.testbed.deadline import wait_until
from tests.testbed.postgres import Postgres

TOKENS = "/api/v1/users/admin/tokens"


@pytest.fixture
def place(tmp_path: Path, postgres: Postgres) -> Iterator[Apart]:
    name = postgres.make()
    with apart(tmp_path / "home", postgres.url(name)) as made:
        yield made
    assert postgres.password not in made.logs()
    postgres.drop(name)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_any_one_of_two_is_killed_and_nothing_is_lost(place: Apart, tmp_path: Path) -> None:
    one, two = place.doors.values()
    begin(one, tmp_path / "serves")
    for door in (one, two):
        door.until_ready("serves")
    serving = replicas(one, "serves")
    for kind in KINDS:
        for name in NAMES:
            survive(place, tmp_path, f"{kind}-{name}")
            assert replicas(one, "serves") == replicas(two, "serves") == serving
    assert processes("serves") == 1
    assert faults_of(log(one, "serves"), ended=False) == []
    two.perdure("stop", "-y", "serves", timeout=180)
    assert faults_of(log(one, "serves"), ended=True) == []
    assert processes("serves") == 0
    for door in (one, two):
        wait_until(partial(unrouted, door), "no proxy has its route")


def survive(place: Apart, folder: Path, part: str) -> None:
    """One service starts, one stops, one answers, while the part dies and comes back."""
    doors = [door for name, door in place.doors.items() if part != f"proxy-{name}"]
    starts, stops = f"starts-{part}", f"stops-{part}"
    begin(doors[0], folder / stops, ending=1.0)
    doors[-1].until_ready(stops)
    with ExitStack() as loads, ThreadPoolExecutor() as pool:
        loaded = [loads.enter_context(Load(url(door, "serves"), door.token)) for door in doors]
        for load in loaded:
            load.go_on(20)
        begin(doors[-1], folder / starts, starting=1.0)
        stop = pool.submit(doors[0].run, "stop", "-y", stops, timeout=180)
        wait_until(lambda: doors[0].phase(stops) == "terminating", "the stop has begun")
        place.kill(part)
        tokens_hold(doors)
        for load in loaded:
            load.go_on(20)
        wait_until(lambda: doors[0].phase(stops) == "terminated", "it has stopped", 90)
        for door in doors:
            door.until_ready(starts)
        place.begin(part)
        place.until_ready(part)
        for load in loaded:
            load.go_on(20)
    assert stop.result().returncode == 0, stop.result().stderr
    assert [load.failed for load in loaded] == [{}] * len(loaded), part
    tokens_hold(list(place.doors.values()))
    assert (processes(stops), processes(starts)) == (0, 1)
    assert faults_of(log(doors[0], stops), ended=True) == []
    assert faults_of(log(doors[-1], starts), ended=False) == []
    doors[0].perdure("stop", "-x", "-y", starts, timeout=180)


def unrouted(door: Installation) -> bool:
    """Whether its proxy has forgotten the service."""
    return door.routed("serves") == 0


def tokens_hold(doors: list[Installation]) -> None:
    """What one API makes is good at every proxy at once, and what it revokes at none."""
    for door in doors:
        with door.client() as client:
            made = client.post(TOKENS, json={"name": "brief"})
            assert made.status_code == 201, made.text
            assert statuses(doors, made.json()["value"]) == {200}
            client.delete(f"{TOKENS}/{made.json()['id']}").raise_for_status()
            assert statuses(doors, made.json()["value"]) == {401}


def statuses(doors: list[Installation], token: str) -> set[int]:
    """What requests with this token get, at each proxy."""
    headers = {"Authorization": f"Bearer {token}"}
    return {
        httpx.get(url(door, "serves"), headers=headers, trust_env=False).status_code
        for door in doors
    }
