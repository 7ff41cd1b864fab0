"""Services in containers that follow their load, and change, while they are asked all the time.

300 requests per second are what a small Python server answers with a few percent of a processor;
they come from 50 connections of one other process. What is measured is not asserted: the requests,
the seconds by which replicas came late, those that a killed part was away. They are properties of
the tests, as `pytest --junitxml` writes them.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from perdure.errors import ContainerExited, ImageNotFound, NotReadyInTime, PerdureError
from spec.decision import Rule
from tests.e2e.containers import containers
from tests.e2e.installation import Installation, installation, service
from tests.e2e.parts import kill_part
from tests.e2e.programs import BUSY, CHAT, NARROW, busy, program, told
from tests.e2e.rule import RpsRule
from tests.e2e.steady import Steady
from tests.e2e.switch import OPEN, SICK, switch
from tests.e2e.test_docker import PORT, submit
from tests.e2e.views import is_asleep, is_empty, ready, serves
from tests.testbed.deadline import wait_until
from tests.testbed.engine import MIRROR_PORT, Engine
from tests.testbed.fixtures import BASE_IMAGE

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

Record = Callable[[str, object], None]
Strike = Callable[[str], None]

RULE = RpsRule(target=80, most=4, window=30)
"""300 requests per second need four, and so do 241: a machine that is busy may be a little slow."""
RATE = 300
FOLLOWING = {
    "metric": "rps",
    "target": RULE.target,
    "window": RULE.window,
    "scale_down_delay": 5,
}
REGISTRY = "registry.example.com"


def url(place: Installation, name: str) -> str:
    return f"{place.url}/proxy/services/main/{name}/"


def update(
    place: Installation, folder: Path, source: str, **properties: object
) -> "CompletedProcess[str]":
    """Apply another version, and stay until it serves, or is undone."""
    service(folder, PORT, program(source, PORT), **{"image": BASE_IMAGE, **properties})
    return place.run("apply", "-y", folder=folder, timeout=300)


@pytest.fixture
def follows(docker: Installation, tmp_path: Path) -> str:
    """A service that sleeps, and follows its load by `RULE`."""
    name = "follows"
    submit(docker, tmp_path / name, busy("one"), replicas="0..4", scaling=FOLLOWING)
    docker.until(name, is_asleep, "sleeps, as nobody asks")
    return name


def rise_and_fall(place: Installation, name: str, strike: Strike) -> Steady:
    """From none to four by 300 requests per second, and back; a part is struck at each step."""
    with place.client() as client:
        assert client.get(url(place, name), timeout=180).status_code == 200, "it was waited for"
    with Steady(url(place, name), place.token, clients=50, rate=RATE) as load:
        load.go_on(100)
        strike("worker")
        place.until(name, lambda run: run["desired"] >= 2, "needs a second replica")
        strike("api")
        place.until(name, lambda run: run["desired"] >= 3, "needs a third one")
        strike("temporal")
        place.until(name, lambda run: serves(run, 4), "has four")
        strike("worker")
        load.go_on(10 * RATE)
    strike("temporal")
    place.until(name, lambda run: run["desired"] <= 2, "needs half of them")
    strike("api")
    place.until(name, is_asleep, "sleeps again")
    return load


def hold_the_rule(place: Installation, name: str, load: Steady, record: Record) -> None:
    """Every request was answered by 200, and each number of replicas is the rule's."""
    assert (load.failed, load.wrong) == (0, [])
    wait_until(
        lambda: RULE.numbers(place.decisions(name))[-1] == 0,
        "all is kept",
    )
    decisions = place.decisions(name)
    numbers = RULE.numbers(decisions)
    assert max(numbers[numbers.index(0) :]) == 4, numbers
    assert [each["number"] for each in decisions] == list(range(1, len(decisions) + 1))
    record("requests", load.requests)
    record("seconds that a step up was late at most", RULE.lateness(decisions, load.begun))


def test_replicas_follow_300_requests_per_second_from_zero_and_back(
    docker: Installation, engine: Engine, follows: str, record_property: Record
) -> None:
    load = rise_and_fall(docker, follows, lambda _: None)
    hold_the_rule(docker, follows, load, record_property)
    assert containers(engine, follows) == []
    docker.perdure("stop", "-y", follows)


def test_replicas_follow_while_worker_api_and_temporal_are_killed_in_turn(
    docker: Installation, engine: Engine, follows: str, record_property: Record
) -> None:
    def strike(part: str) -> None:
        record_property(f"seconds until the {part} is back", kill_part(docker, part))

    load = rise_and_fall(docker, follows, strike)
    hold_the_rule(docker, follows, load, record_property)
    assert containers(engine, follows) == []
    docker.perdure("stop", "-y", follows)


def test_an_update_under_load_fails_no_request_and_cuts_no_stream(
    docker: Installation, engine: Engine, tmp_path: Path
) -> None:
    name, folder = "rolls", tmp_path / "rolls"
    submit(docker, folder, busy("one"), replicas=2, stop_duration=60)
    docker.until_ready(name, 2)
    with Steady(
        url(docker, name), docker.token, clients=20, rate=100, streams=20, events=100, sockets=20
    ) as load:
        wait_until(
            lambda: load.open == 40,
            "all are open",
            60,
        )
        load.go_on(200)
        done = update(docker, folder, busy("two"), replicas=2, stop_duration=60)
        load.go_on(200)
    assert (load.failed, load.wrong) == (0, [])
    assert done.returncode == 0, done.stderr
    assert "The run rolls is updated: revision 2 serves, 2 replicas." in done.stderr
    assert set(load.said) == {"one", "two"}
    assert load.answered("streams") >= 20
    assert load.goodbyes >= 20, "each WebSocket was told that its replica leaves"
    docker.until(name, lambda run: serves(run, 2, 2), "has two new ones")
    assert len(containers(engine, name)) == 2
    docker.perdure("stop", "-y", name)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Installation]:
    """A server that waits for a replica for seconds, not for hours."""
    extra = {"PERDURE_RUNTIME": "docker", "PERDURE_DOCKER_HOST": engine.url}
    home = tmp_path_factory.mktemp("hasty")
    with installation(home, PERDURE_START_TIMEOUT="20", **extra) as place:
        yield place


@dataclass(frozen=True)
class Broken:
    """A version that cannot serve, and what is told of it: in words, and as a code."""

    name: str
    error: type[PerdureError]
    told: str
    source: str = BUSY
    properties: Mapping[str, object] = field(default_factory=dict)


BROKEN = (
    Broken("crashes", ContainerExited, "container exited with an error", "raise SystemExit(3)"),
    Broken(
        "deaf",
        NotReadyInTime,
        "took too long to start: After 20 s the port 8000 is closed.",
        "import time\ntime.sleep(1000)",
    ),
    Broken(
        "sickly",
        NotReadyInTime,
        "The probe `GET /health` answered 503.",
        busy("two", Path()),
        {
            "commands": [f"touch {SICK}", "python3 app.py"],
            "probes": [{"type": "http", "url": "/health", "interval": 1}],
        },
    ),
    Broken(
        "imageless",
        ImageNotFound,
        "image pull failed: There is no image",
        properties={"image": f"{REGISTRY}/nobody/nothing:1"},
    ),
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
@pytest.mark.usefixtures("public_image")
def test_a_version_that_cannot_serve_fails_no_request_and_is_undone(
    hasty: Installation, engine: Engine, tmp_path: Path, broken: Broken
) -> None:
    name, folder = broken.name, tmp_path / broken.name
    submit(hasty, folder, busy("one"), replicas=2)
    hasty.until_ready(name, 2)
    mirror = f"{engine.namespace.our_address}:{MIRROR_PORT}"
    properties = dict(broken.properties)
    if "image" in properties:
        properties["image"] = str(properties["image"]).replace(REGISTRY, mirror)
    with Steady(url(hasty, name), hasty.token, clients=20, rate=100) as load:
        load.go_on(200)
        done = update(hasty, folder, broken.source, replicas=2, **properties)
        load.go_on(200)
    assert (load.failed, load.wrong) == (0, [])
    assert set(load.said) == {"one"}
    assert done.returncode == 1, done.stderr
    assert f"The update of `{name}` to revision 2 was undone: " in done.stderr
    assert broken.told in done.stderr
    assert f"[{broken.error.code()}]" in done.stderr
    hasty.until(name, lambda run: serves(run, 2, 1), "has its old ones")
    assert len(containers(engine, name)) == 2
    assert "(revision 2 undone)" in hasty.perdure("ps")
    wait_until(
        lambda: Rule.REVERTED in [each["rule"] for each in hasty.decisions(name)],
        "the decision is kept",
    )
    why = hasty.perdure("why", name)
    assert "Revision 2 could not become ready: revision 1 serves again." in why
    assert f"code: {broken.error.code()}" in why
    hasty.perdure("stop", "-y", name)


def test_a_thousand_requests_that_wait_for_a_small_server_are_all_answered(
    docker: Installation, tmp_path: Path
) -> None:
    name = "narrow"
    by_count = {"metric": "in_flight", "target": 10_000}
    with switch() as gate:
        source = told(NARROW, gate.folder)
        submit(
            docker,
            tmp_path / name,
            source,
            replicas="0..1",
            scaling=by_count,
            volumes=[gate.volume],
        )
        docker.scale(name, 0)
        docker.until(name, is_empty, "has no replica")
        docker.scale(name, None)
        docker.until(name, is_asleep, "sleeps")
        with Steady(url(docker, name), docker.token, clients=1000, rate=500, rounds=1) as load:
            wait_until(
                lambda: docker.held(name) == 1000,
                "1,000 wait",
                60,
            )
            gate.on(OPEN)
            wait_until(
                lambda: load.requests + load.failed == 1000,
                "all are answered",
                180,
            )
        docker.perdure("stop", "-y", name)
    assert (load.requests, load.failed, load.wrong) == (1000, 0, [])


def test_a_model_is_ready_once_it_has_said_a_token(docker: Installation, tmp_path: Path) -> None:
    submit(docker, tmp_path / "chats", CHAT, model="tiny")
    call = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}
    models = "/proxy/models/main"
    with docker.client() as client:
        wait_until(lambda: "tiny" in client.get(f"{models}/models").text, "it is listed")
        answer = client.post(f"{models}/chat/completions", json=call, timeout=180)
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] == "hello"
        asked = client.get(url(docker, "chats")).json()
    probe = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    assert [each["body"] for each in asked[:3]] == [probe, probe, call], "the first one failed"
    assert [each["User-Agent"] for each in asked[:2]] == ["perdure", "perdure"]
    assert {each["path"] for each in asked} == {"/v1/chat/completions"}
    assert {each["Authorization"] for each in asked} == {None}
    docker.perdure("stop", "-y", "chats")


def test_a_replica_whose_probe_fails_leaves_the_routes_and_comes_back(
    docker: Installation, tmp_path: Path
) -> None:
    name = "sick"
    probes = [{"type": "http", "url": "/health", "interval": 1}]
    with switch() as doctor, docker.client() as client, ThreadPoolExecutor() as pool:
        source = busy("one", doctor.folder)
        submit(docker, tmp_path / name, source, replicas=2, probes=probes, volumes=[doctor.volume])
        docker.until_ready(name, 2)
        with Steady(url(docker, name), docker.token, clients=4, rate=20) as load:
            doctor.on(f"{SICK}1")
            left = docker.until(name, lambda run: ready(run) == 1, "has one that is healthy")
            assert left["status_message"] == "1/2 ready; unhealthy"
            assert [each["health"] for each in left["replicas"]] == ["healthy", "unhealthy"]
            wait_until(
                lambda: docker.routed(name) == 1,
                "one has left the routes",
            )
            load.go_on(40)
            doctor.off(f"{SICK}1")
            docker.until_ready(name, 2)
            load.go_on(40)
        assert (load.failed, load.wrong) == (0, [])
        doctor.on(SICK)
        wait_until(
            lambda: docker.routed(name) == 0,
            "both have left the routes",
            60,
        )
        waits = pool.submit(client.get, url(docker, name), timeout=180)
        wait_until(
            lambda: docker.held(name) == 1,
            "a request waits",
        )
        doctor.off(SICK)
        assert waits.result().status_code == 200
        docker.perdure("stop", "-y", name)
