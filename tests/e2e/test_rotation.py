"""The master key is rotated under a service at work, and the old one forgotten after it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from perdure.keys import replace_secret
from tests.crash.application import application
from tests.crash.load import Load
from tests.e2e.installation import Installation, installation, service
from tests.ports import free_port
from tests.testbed.deadline import wait_until
from tests.testbed.kill import kill as kill_process

NAME = "rotated"
SECRET = "a-project-s3cret-value"
GIVEN = {"VARIABLE": "v4lue-of-a-variable"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    """A server of its own: its keys change."""
    with installation(tmp_path / "home", PERDURE_RUNTIME="process") as place:
        yield place


@pytest.fixture
def folder(place: Installation, tmp_path: Path) -> Path:
    """A service that was given a value, and refers to a secret."""
    port = free_port()
    env = ["VARIABLE", "OF_PROJECT=${{ secrets.KEPT }}"]
    folder = service(tmp_path / NAME, port, application(port), env=env)
    place.perdure("secret", "set", "KEPT", given=SECRET)
    place.perdure("apply", "-y", "-d", folder=folder, env=GIVEN)
    place.until_ready(NAME)
    place.until_answered(f"/proxy/services/main/{NAME}/", 200)
    return folder


def variables() -> dict[str, str]:
    """What the application was given."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            given = process.environ()
            if process.cmdline()[1:] == ["app.py"] and given["DSTACK_RUN_NAME"] == NAME:
                return given
    raise AssertionError("it does not run")


def kill(place: Installation, part: str) -> None:
    """Kill it, and wait for its successor."""
    before = place.pid(part)
    kill_process(before)
    wait_until(lambda: succeeded(place, part, before), f"{part} runs again", seconds=30)


def succeeded(place: Installation, part: str, before: int) -> bool:
    try:
        return place.pid(part) != before
    except (IndexError, ValueError):  # it is just being written
        return False


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_rotation_costs_no_request_and_no_run_and_the_old_key_goes_when_its_runs_have(
    place: Installation, folder: Path
) -> None:
    with Load(f"{place.url}/proxy/services/main/{NAME}/", place.token) as load:
        load.go_on()
        place.perdure("key", "rotate", "-y")
        new, old = json.loads(place.perdure("key", "list", "--json"))
        assert (new["current"], old["current"], old["values"]) == (True, False, 0)
        assert old["workflows"] == 2, "the run and its replica"
        # Same values, same digests: nothing has changed, so nothing is refused.
        place.perdure("apply", "-y", "-d", folder=folder, env=GIVEN)
        for part in ("worker", "api"):
            kill(place, part)
        place.until_answered("/api/v1/me", 200)
        place.perdure("apply", "-y", "-d", folder=folder, env=GIVEN)
        refused = place.run("key", "forget", "-y", old["id"])
        assert refused.returncode == 1
        assert f"`run/main/{NAME}`" in refused.stderr

        internal = place.data / "internal.key"
        replace_secret(internal, b"n" * 43 + b"\n" + internal.read_bytes())
        place.perdure("apply", "-y", "-d", folder=folder, env=GIVEN)
        assert [run["status"] for run in place.runs()] == ["running"]
        load.go_on()
    assert load.reasons == []
    kill(place, "proxy")
    place.until_answered(f"/proxy/services/main/{NAME}/", 200)

    place.perdure("stop", "-y", NAME)
    place.perdure("key", "forget", "-y", old["id"])
    assert len((place.data / "master.key").read_bytes()) == 32
    assert place.stop() == 0
    place.start()
    place.perdure("apply", "-y", "-d", folder=folder, env=GIVEN)
    place.until_ready(NAME)
    place.until_answered(f"/proxy/services/main/{NAME}/", 200)
    assert variables()["OF_PROJECT"] == SECRET
    assert variables()["VARIABLE"] == GIVEN["VARIABLE"]
