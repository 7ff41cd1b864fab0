"""Where nothing fits, the plan says what is missing, and nothing begins."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bad_input.line import example
from tests.e2e.bad_input.lines import placement as lines
from tests.e2e.containers import containers
from tests.e2e.installation import Installation, installation, service
from tests.e2e.programs import HELLO, program
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE

PORT = 8000


@example(lines.OFFER)
def test_no_offer_is_told_with_all_that_the_closest_one_lacks(
    running: Installation, tmp_path: Path
) -> None:
    (tmp_path / ".dstack.yml").write_text(lines.OFFER.file)
    before = running.names()
    done = running.run("apply", "-y", folder=tmp_path)
    memory = re.findall(r"it has (\d+\.\dGB)", done.stderr)
    lines.OFFER.check(done.returncode, done.stderr, dict.fromkeys(memory, "31.0GB"))
    assert running.names() == before


@pytest.fixture
def fragile(tmp_path: Path, mortal_engine: Engine) -> Iterator[Installation]:
    """A server whose engine will be killed."""
    extra = {"PERDURE_RUNTIME": "docker", "PERDURE_DOCKER_HOST": mortal_engine.url}
    with installation(tmp_path / "home", **extra) as place:
        yield place
    assert containers(mortal_engine) == []


@pytest.mark.long
@example(lines.ENGINE)
def test_an_engine_that_is_away_is_told_and_services_go_on(
    fragile: Installation, mortal_engine: Engine, tmp_path: Path
) -> None:
    folder = service(tmp_path / "stays", PORT, program(HELLO, PORT), image=BASE_IMAGE)
    fragile.perdure("apply", "-y", "-d", folder=folder)
    fragile.until_ready("stays")
    before = containers(mortal_engine)
    mortal_engine.kill()
    try:
        other = tmp_path / "other"
        other.mkdir()
        (other / ".dstack.yml").write_text(lines.ENGINE.file)
        done = fragile.run("apply", "-y", folder=other)
        usual = {mortal_engine.url: "unix:///var/run/docker.sock"}
        lines.ENGINE.check(done.returncode, done.stderr, usual)
        assert [(run["name"], run["status"]) for run in fragile.runs()] == [("stays", "running")]
        with fragile.client() as client:
            assert client.get("/proxy/services/main/stays/").status_code == 200
    finally:
        mortal_engine.start()
    assert containers(mortal_engine) == before
    assert fragile.run("apply", "-y", "-d", folder=folder).returncode == 0
    folder = service(tmp_path / "after", PORT, program(HELLO, PORT), image=BASE_IMAGE)
    fragile.perdure("apply", "-y", "-d", folder=folder)
    fragile.until_ready("after")
    assert set(containers(mortal_engine)) > set(before)
