"""A backup put back: what it knew goes on, and what came after it is told, to be removed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.containers import containers
from tests.e2e.installation import Installation, installation
from tests.e2e.test_docker import submit
from tests.testbed.deadline import wait_until
from tests.testbed.engine import Engine
from tests.testbed.tool import run

SECRET = "a-project-s3cret-value"


@pytest.fixture
def place(tmp_path: Path, engine: Engine) -> Iterator[Installation]:
    """A server of its own: its data directory is replaced."""
    extra = {"PERDURE_RUNTIME": "docker", "PERDURE_DOCKER_HOST": engine.url}
    with installation(tmp_path / "home", **extra) as place:
        yield place
    assert containers(engine) == []


def apply(place: Installation, folder: Path, **properties: Any) -> None:
    submit(place, folder, **properties)
    place.until_ready(folder.name)
    place.until_answered(f"/proxy/services/main/{folder.name}/", 200)


def copy(folder: Path, target: Path) -> None:
    """As the page on backups says."""
    run("cp", "-a", folder, target)


def leftovers(place: Installation) -> str:
    """What the doctor finds of them, and what it says to do."""
    found = json.loads(place.run("doctor", "--json").stdout)["findings"]
    return "\n".join(each["what"] + each["fix"] for each in found if each["check"] == "leftovers")


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_backup_put_back_serves_what_it_knew_and_tells_what_it_did_not(
    place: Installation, engine: Engine, tmp_path: Path
) -> None:
    with_secret = {"env": ["OF=${{ secrets.KEPT }}"]}
    place.perdure("secret", "set", "KEPT", given=SECRET)
    apply(place, tmp_path / "kept", **with_secret)
    apply(place, tmp_path / "gone")
    place.stop()
    copy(place.data, tmp_path / "backup")
    place.start()
    place.perdure("stop", "-y", "gone")
    apply(place, tmp_path / "later")
    kept, (late,) = containers(engine, "kept"), containers(engine, "later")

    place.stop()
    shutil.rmtree(place.data)
    copy(tmp_path / "backup", place.data)
    place.start()

    place.until_answered("/proxy/services/main/kept/", 200)
    assert containers(engine, "kept") == kept, "the same container"
    place.until_answered("/proxy/services/main/later/", 404)
    wait_until(lambda: place.phase("gone") == "failed", "what ended since is seen to have ended")
    assert f"`docker rm -f {late}`" in leftovers(place)
    engine.docker("rm", "-f", late)
    assert "Nothing is left of what has ended." in leftovers(place)
    assert {each["name"] for each in place.runs()} == {"kept"}
    place.perdure("stop", "-y", "kept")
    apply(place, tmp_path / "again", **with_secret)
