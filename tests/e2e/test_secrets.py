"""Values that nobody but the application may see: they are looked for wherever we keep or tell."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation, service
from tests.e2e.programs import HELLO, program
from tests.secrecy.search import appearances, leaks
from tests.workflows.stage import BIN

PORT = 8000
NAME = "confiding"
VARIABLE = "v4lue-of-a-variable"
SECRET = "a-project-s3cret-value"
PASSWORD = "ghp_e49HcZ9oYwBzUbcSk2080gXZOU2hiT9AeSR5"
VALUES = (VARIABLE, SECRET, PASSWORD)
PUBLIC = "local/local at $0/h"
"""Stands in every replica's history, readable: so a search that finds nothing is known to work."""

PATHS = (
    *("/api/v1/me", "/api/v1/server", "/api/v1/runs", "/api/v1/projects"),
    *("/api/v1/projects/main", "/api/v1/projects/main/secrets"),
    *("/api/v1/projects/main/runs?include_finished=true", f"/api/v1/projects/main/runs/{NAME}"),
    f"/api/v1/projects/main/runs/{NAME}/logs",
)


PARTS = ("holder", "temporal", "worker", "api", "tunnels", "proxy")
COMMANDS = (
    *(("ps", "-v", "-a"), ("logs", NAME), ("secret", "list"), ("project", "list")),
    *(("user", "list"), ("user", "token", "list"), ("key", "list")),
    ("project", "member", "list"),
)


def found_in(text: bytes) -> list[str]:
    """Which values are there, in plain text or in base64."""
    return [value for value in VALUES if any(form in text for form in appearances(value))]


def submission(folder: Path) -> dict[str, Any]:
    """What the command line sends, values included."""
    asked = json.loads((folder / ".dstack.yml").read_text())
    auth = {"username": "somebody", "password": PASSWORD}
    env = {"VARIABLE": VARIABLE, "OF_PROJECT": "${{ secrets.GREP }}"}
    return {"configuration": {**asked, "env": env, "registry_auth": auth}}


def temporal(docker: Installation, *arguments: str) -> bytes:
    """What the `temporal` program shows to somebody without a key."""
    program = shutil.which("temporal", path=BIN)
    assert program is not None
    port = json.loads((docker.data / "temporal.json").read_text())["grpc"]
    address = ("--address", f"127.0.0.1:{port}", "-o", "json")
    return subprocess.run(
        [program, "workflow", *arguments, *address], capture_output=True, check=True
    ).stdout


def histories(docker: Installation) -> Iterator[bytes]:
    """Every history that the server has, and what it lists of each workflow."""
    listed = temporal(docker, "list")
    yield listed
    for each in json.loads(listed):
        execution = each["execution"]
        which = ("-w", execution["workflowId"], "-r", execution["runId"])
        yield temporal(docker, "show", *which)
        yield temporal(docker, "describe", *which)


def command_lines() -> Iterator[bytes]:
    """Of all processes of this machine."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_bytes()
        except OSError:
            continue


def environments(docker: Installation) -> Iterator[bytes]:
    """Of our own processes."""
    for part in ("supervisor", *PARTS):
        yield Path(f"/proc/{docker.pid(part)}/environ").read_bytes()


def told(docker: Installation) -> Iterator[bytes]:
    """Whatever the command line says of it, in tables and as JSON, on both streams."""
    for command in COMMANDS:
        for words in (command, (*command, "--json")):
            done = docker.run(*words)
            assert done.returncode == 0 or "No such option" in done.stderr, done.stderr
            yield (done.stdout + done.stderr).encode()
    yield docker.run("apply", "-y", "-d", "-f", "missing.yml").stderr.encode()


@pytest.fixture
def folder(docker: Installation, seed_images: tuple[str, ...], tmp_path: Path) -> Iterator[Path]:
    """A service that was given three values: by the environment, by the project, by a file."""
    folder = service(
        tmp_path / NAME,
        PORT,
        program(HELLO, PORT),
        image=seed_images[-1],
        env=["VARIABLE", "OF_PROJECT=${{ secrets.GREP }}"],
        registry_auth={"username": "somebody", "password": "${{ env.REGISTRY_PASSWORD }}"},
    )
    docker.perdure("secret", "set", "GREP", given=SECRET)
    given = {"VARIABLE": VARIABLE, "REGISTRY_PASSWORD": PASSWORD}
    docker.perdure("apply", "-y", "-d", folder=folder, env=given)
    docker.until_answered(f"/proxy/services/main/{NAME}/", 200)
    yield folder
    docker.perdure("secret", "delete", "-y", "GREP")


def test_values_reach_the_application_and_nothing_else(docker: Installation, folder: Path) -> None:
    with docker.client() as client:
        application = client.get(f"/proxy/services/main/{NAME}/env").text
        assert f"VARIABLE={VARIABLE}" in application
        assert f"OF_PROJECT={SECRET}" in application
        assert found_in(application.encode()) == [VARIABLE, SECRET]
        plan = client.post("/api/v1/projects/main/plans", json=submission(folder))
        assert plan.status_code == 200, plan.text
        answers = [plan.content]
        for path in PATHS:
            answer = client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            answers.append(answer.content)
        with client.stream("GET", f"/api/v1/projects/main/runs/{NAME}/events") as events:
            answers.append(next(events.iter_bytes()))
    assert sum(NAME.encode() in answer for answer in answers) >= 5
    assert [found for answer in answers if (found := found_in(answer))] == []
    answers += told(docker)
    assert [found for answer in answers if (found := found_in(answer))] == []
    assert [found for words in command_lines() if (found := found_in(words))] == []
    assert all(b"PERDURE_DATA_DIR" in each for each in list(environments(docker))[3:])
    assert [found for each in environments(docker) if (found := found_in(each))] == []
    assert leaks(docker.home, "*", VALUES) == []

    docker.perdure("stop", "-y", NAME)
    shown = list(histories(docker))
    assert any(form in each for each in shown for form in appearances(PUBLIC))
    assert [found for each in shown if (found := found_in(each))] == []
    assert leaks(docker.home, "*", VALUES) == []
    assert leaks(docker.data, "temporal.db*", (PUBLIC,)) != []
