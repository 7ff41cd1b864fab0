"""Who is not known, or asks for what is not theirs, is told so, and nothing besides."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bad_input.line import Line, example
from tests.e2e.bad_input.lines import access as lines
from tests.e2e.installation import Installation
from tests.ports import free_port

STRANGER = "stranger"


@pytest.fixture
def stranger(running: Installation) -> Iterator[str]:
    """The token of a user who is in no project."""
    running.perdure("user", "create", STRANGER)
    yield running.perdure("user", "token", "create", "--user", STRANGER).strip()
    running.perdure("user", "delete", "-y", STRANGER)


@example(lines.NO_SERVER)
def test_a_server_that_does_not_run_is_told(running: Installation) -> None:
    port = free_port()
    away = {"PERDURE_URL": f"http://127.0.0.1:{port}", "PERDURE_TOKEN": "any"}
    done = running.run("ps", env=away)
    lines.NO_SERVER.check(done.returncode, done.stderr, {f"127.0.0.1:{port}": "localhost:3000"})


@example(lines.UNKNOWN_SERVER)
def test_a_client_without_a_server_is_told_how_to_get_one(
    running: Installation, tmp_path: Path
) -> None:
    done = running.run("ps", env={"HOME": str(tmp_path)})
    lines.UNKNOWN_SERVER.check(done.returncode, done.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def without_api(running: Installation) -> Iterator[None]:
    """The API is killed, and its supervisor does not see it yet."""
    supervisor = running.pid("supervisor")
    os.kill(supervisor, signal.SIGSTOP)
    try:
        os.kill(running.pid("api"), signal.SIGKILL)
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)
        running.until_answered("/api/v1/me", 200)


@example(lines.NO_API)
def test_an_api_that_is_away_is_told_in_the_proxys_words(
    running: Installation, without_api: None
) -> None:
    done = running.run("ps")
    lines.NO_API.check(done.returncode, done.stderr)
    running.until_answered("/proxy/services/main/nothing-here/", 404)


@example(lines.TOKEN)
def test_a_wrong_token_is_told_with_where_it_came_from(running: Installation) -> None:
    done = running.run("ps", env={"PERDURE_TOKEN": "old"})
    lines.TOKEN.check(done.returncode, done.stderr, {str(running.port): "3000"})


@example(lines.PROJECT, lines.OTHER_PROJECT)
def test_an_unknown_project_is_told_to_an_admin_and_to_nobody_else(
    running: Installation, stranger: str
) -> None:
    done = running.run("ps", "--project", "nowhere")
    lines.PROJECT.check(done.returncode, done.stderr)
    for project in ("nowhere", "main"):
        done = running.run("ps", "--project", project, env={"PERDURE_TOKEN": stranger})
        lines.OTHER_PROJECT.check(done.returncode, done.stderr)
        assert done.stdout == ""


@example(lines.BAD, lines.NONE, lines.OTHER)
def test_requests_are_answered_by_whether_their_token_opens_the_project(
    running: Installation, stranger: str
) -> None:
    check(running, lines.BAD, "no-token-of-ours")
    check(running, lines.NONE, None)
    check(running, lines.OTHER, stranger)


def check(running: Installation, line: Line, token: str | None) -> None:
    """Services and API answer alike, and for what exists as for what does not."""
    with running.client(token=token) as client:
        answer = client.get("/proxy/services/main/hello/")
        line.check(answer.status_code, answer.text)
        other = client.get("/proxy/services/nowhere/hello/")
        assert (other.status_code, other.text) == (answer.status_code, answer.text)
        for path in (
            *("/proxy/models/main/models", "/api/v1/projects/main/runs"),
            "/api/v1/projects/nowhere/runs/hello",
        ):
            assert client.get(path).status_code == line.ends, path
