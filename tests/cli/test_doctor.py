"""What a client finds by itself; what is looked at beside a server is in `tests/doctor`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.connection import Connection
from cli.doctor import Reached, judge_server, look_at_server, server_findings
from perdure import __version__
from perdure.errors import Unauthenticated
from spec.finding import Finding, Verdict
from spec.people import GlobalRole, Identity
from spec.server import Server
from tests.cli.conftest import Perdure
from tests.cli.fake_server import TOKEN, FakeServer

CONNECTION = Connection("main", "https://perdure.example.com", "secret-token")
SERVER = Server(version=__version__, id="1", url=CONNECTION.url, code_limit_mb=1)
IDENTITY = Identity(user="alice", role=GlobalRole.USER, projects=("main",))


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    return {each.check: each.verdict for each in findings}


@pytest.fixture
def no_server_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_DATA_DIR", str(home / "nowhere"))


@pytest.mark.usefixtures("no_server_here")
def test_a_client_that_reaches_its_server_is_well(server: FakeServer, perdure: Perdure) -> None:
    done = perdure("doctor")
    assert done.code == 0, done.out
    assert f"A server answers at {server.url}." in done.out
    assert "The clocks agree." in done.out
    assert "opens the project `main`" in done.out
    assert "Problems: 0" in done.out
    assert TOKEN not in done.out


@pytest.mark.usefixtures("no_server_here")
def test_a_server_that_is_away_is_a_problem_with_a_remedy(
    perdure: Perdure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("PERDURE_TOKEN", TOKEN)
    done = perdure("doctor", "--json")
    assert done.code == 1
    (told,) = [f for f in json.loads(done.out)["findings"] if f["verdict"] == "problem"]
    assert (told["check"], told["what"]) == ("server", "No server answers at http://127.0.0.1:1.")
    assert "perdure server" in told["fix"]


@pytest.mark.usefixtures("no_server_here", "server")
def test_a_file_with_tokens_that_others_can_read(home: Path, perdure: Perdure) -> None:
    file = home / ".perdure" / "config.yml"
    file.parent.mkdir()
    file.write_text("projects: [{name: main, url: 'http://localhost', token: of-a-file}]\n")
    file.chmod(0o644)
    done = perdure("doctor")
    assert done.code == 1
    assert "can be used by others (mode 0644)" in done.out
    assert f"fix: Run `chmod 600 {file}`" in done.out
    file.write_text("projects: [")
    assert "cannot be read as the client's configuration" in perdure("doctor").out


@pytest.mark.usefixtures("no_server_here", "server")
def test_a_project_that_the_token_does_not_open(perdure: Perdure) -> None:
    done = perdure("doctor", "--project", "elsewhere")
    assert done.code == 1
    assert "opens no project `elsewhere`" in done.out


def test_the_clock_is_that_of_the_servers_answers(server: FakeServer) -> None:
    connection = Connection("main", server.url, TOKEN)
    late = look_at_server(connection, datetime.now(UTC) - timedelta(minutes=5))
    assert 290 < late.skew < 310
    (told,) = [each for each in judge_server(late) if each.check == "clock"]
    assert told.verdict is Verdict.WARNING
    assert "s ahead of this machine's" in told.what
    early = look_at_server(connection, datetime.now(UTC) + timedelta(minutes=5))
    (told,) = [each for each in judge_server(early) if each.check == "clock"]
    assert "s behind this machine's" in told.what


def test_another_version_is_a_warning() -> None:
    other = SERVER.model_copy(update={"version": "9.9.9"})
    found = list(judge_server(Reached(CONNECTION, other, 0.0, IDENTITY)))
    assert verdicts(found)["version"] is Verdict.WARNING
    same = list(judge_server(Reached(CONNECTION, SERVER, 0.0, IDENTITY)))
    assert set(verdicts(same).values()) == {Verdict.OK}


def test_a_token_that_is_refused_is_told_in_the_servers_words() -> None:
    refusal = Unauthenticated("The token is not valid.", hint="Take another.")
    found = list(judge_server(Reached(CONNECTION, None, 0.0, None, refusal)))
    (told,) = [each for each in found if each.verdict is Verdict.PROBLEM]
    assert (told.check, told.what, told.fix) == (
        *("token", "The token is not valid."),
        "Take another.",
    )


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo 'error: `PERDURE_PORT` cannot be used.' >&2; exit 1",
            "`PERDURE_PORT` cannot be used.",
        ),
        (
            "printf 'Traceback (most recent call last):\\n  File\\nNoModule: no x\\n' >&2; exit 1",
            "NoModule: no x.",
        ),
        ("exit 137", "No word was said."),
    ],
)
def test_checks_of_a_server_that_cannot_be_made_are_a_problem(script: str, why: str) -> None:
    (told,) = server_findings(["/bin/sh", "-c", script], {})
    assert told.verdict is Verdict.PROBLEM
    assert told.what == f"The checks of the server cannot be made. {why}"
