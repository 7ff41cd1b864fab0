"""Two APIs, two workers and two proxies, on one PostgreSQL: any one may be killed at any time."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.crash.apart import KINDS, NAMES, Apart, apart
from tests.crash.load import Load
from tests.crash.scene import Scene, farewell
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
    one, two = scenes = [Scene(door, tmp_path, tmp_path) for door in place.doors.values()]
    one.begin_to_serve("serves")
    two.place.until_ready("serves")
    life = one.life("serves")
    for kind in KINDS:
        for name in NAMES:
            survive(place, scenes, f"{kind}-{name}")
            assert [each.life("serves") for each in scenes] == [life, life]
    assert one.count("serves") == 1
    assert one.faults("serves", whole=False) == []
    two.place.perdure("stop", "-y", "serves", timeout=180)
    assert one.faults("serves") == []
    assert one.count("serves") == 0
    for door in place.doors.values():
        wait_until(partial(unrouted, door), "no proxy has its route")


def survive(place: Apart, scenes: list[Scene], part: str) -> None:
    """One service starts, one stops, one answers, while the part dies and comes back."""
    kept = [each for each, name in zip(scenes, NAMES, strict=True) if part != f"proxy-{name}"]
    first, last = kept[0], kept[-1]
    starts, stops = f"starts-{part}", f"stops-{part}"
    first.begin(stops, ending=1.0)
    for each in kept:
        each.place.until_ready(stops)
    with ExitStack() as loads:
        loaded = [loads.enter_context(Load(each.url("serves"), each.place.token)) for each in kept]
        for load in loaded:
            load.go_on()
        last.begin(starts, starting=1.0)
        with farewell(first, stops, pieces=20) as parting:
            place.kill(part)
            tokens_hold(kept)
            for load in loaded:
                load.go_on()
            wait_until(lambda: first.place.phase(stops) == "terminated", "it has stopped", 90)
        for each in kept:
            each.place.until_ready(starts)
        place.begin(part)
        place.until_ready(part)
        for load in loaded:
            load.go_on()
    parting.stream.result()
    parting.upload.result()
    assert parting.stop.result().returncode == 0, parting.stop.result().stderr
    assert [load.reasons for load in loaded] == [[]] * len(loaded), part
    tokens_hold(scenes)
    assert (first.count(stops), first.count(starts)) == (0, 1)
    assert first.faults(stops) == []
    assert last.faults(starts, whole=False) == []
    first.place.perdure("stop", "-x", "-y", starts, timeout=180)


def unrouted(door: Installation) -> bool:
    """Whether its proxy has forgotten the service."""
    return door.routed("serves") == 0


def tokens_hold(scenes: list[Scene]) -> None:
    """What one API makes is good at every proxy at once, and what it revokes at none."""
    for scene in scenes:
        with scene.place.client() as client:
            made = client.post(TOKENS, json={"name": "brief"})
            assert made.status_code == 201, made.text
            assert statuses(scenes, made.json()["value"]) == {200}
            client.delete(f"{TOKENS}/{made.json()['id']}").raise_for_status()
            assert statuses(scenes, made.json()["value"]) == {401}


def statuses(scenes: list[Scene], token: str) -> set[int]:
    """What requests with this token get, at each proxy."""
    headers = {"Authorization": f"Bearer {token}"}
    return {
        httpx.get(scene.url("serves"), headers=headers, trust_env=False, verify=False).status_code
        for scene in scenes
    }
