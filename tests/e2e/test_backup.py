"""A backup put back: what it knew goes on, and what came after it leaves nothing behind."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.application import application
from tests.e2e.installation import Installation, installation, service
from tests.ports import free_port
from tests.testbed.deadline import wait_until

SECRET = "a-project-s3cret-value"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    """A server of its own: its data directory is replaced."""
    with installation(tmp_path / "home", PERDURE_RUNTIME="process") as place:
        yield place


def apply(place: Installation, folder: Path, *env: str) -> None:
    port = free_port()
    place.perdure("apply", "-y", "-d", folder=service(folder, port, application(port), env=env))
    place.until_ready(folder.name)
    place.until_answered(f"/proxy/services/main/{folder.name}/", 200)


def restore(place: Installation, backup: Path) -> None:
    place.stop()
    shutil.rmtree(place.data)
    shutil.copytree(backup, place.data, symlinks=True)
    place.start()


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_backup_put_back_serves_what_it_knew_and_clears_what_it_did_not(
    place: Installation, tmp_path: Path
) -> None:
    place.perdure("secret", "set", "KEPT", given=SECRET)
    apply(place, tmp_path / "kept", "OF=${{ secrets.KEPT }}")
    apply(place, tmp_path / "gone")
    place.stop()
    backup = tmp_path / "backup"
    shutil.copytree(place.data, backup, symlinks=True)
    place.start()
    place.perdure("stop", "-y", "gone")
    apply(place, tmp_path / "later")

    restore(place, backup)

    place.until_answered("/proxy/services/main/kept/", 200)
    place.until_answered("/proxy/services/main/later/", 404)
    wait_until(lambda: place.phase("gone") == "failed", "what ended since is seen to have ended")
    assert {run["name"] for run in place.runs()} == {"kept"}
    place.perdure("stop", "-y", "kept")
    apply(place, tmp_path / "kept", "OF=${{ secrets.KEPT }}")
    leftovers = [
        each
        for each in json.loads(place.run("doctor", "--json").stdout)["findings"]
        if each["check"] == "leftovers" and each["verdict"] != "ok"
    ]
    assert leftovers == []
