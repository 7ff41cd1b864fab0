"""`user`, `audit`, and `project add` on a machine that knows no server yet."""

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from cli.client import Client
from cli.connection import Connection
from cli.projects import _is_readable
from perdure.errors import ServerUnreachable
from spec.audit import Action, AuditEvent, Outcome
from tests.cli.conftest import Perdure
from tests.cli.fake_server import LONG_AGO, TOKEN, FakeServer


@contextmanager
def answering(status: int, body: bytes = b"{}", **headers: str) -> Iterator[tuple[str, list[str]]]:
    """Another program's HTTP server: its URL, and the `Authorization`s that it was told."""
    told: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stranger(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's address, which this client does not know."""
    for name in ("PERDURE_URL", "PERDURE_TOKEN"):
        monkeypatch.delenv(name)
    return server.url


@pytest.fixture
def known(home: Path) -> Path:
    return home / ".perdure" / "config.yml"


class TestProjectAdd:
    def test_takes_a_name_an_address_and_a_token(
        self, stranger: str, perdure: Perdure, known: Path
    ) -> None:
        said = perdure("project", "add", "main", "--url", stranger, "--token", TOKEN)
        assert said.code == 0, said.err
        assert "warning: Other users of this machine can see `--token`" in said.err
        assert TOKEN not in said.out + said.err
        assert stat.S_IMODE(known.stat().st_mode) == 0o600
        assert perdure("ps").code == 0

    def test_keeps_what_the_file_has(self, stranger: str, perdure: Perdure, known: Path) -> None:
        known.parent.mkdir()
        other = {"name": "other", "url": "http://o", "token": "o", "default": True, "extra": 1}
        known.write_text(yaml.safe_dump({"projects": [other], "note": "mine"}))
        added = perdure("project", "add", "main", "--url", stranger, "--no-default", stdin=TOKEN)
        assert added.code == 0, added.err
        file = yaml.safe_load(known.read_text())
        assert file["note"] == "mine"
        assert file["projects"][0] == other
        assert file["projects"][1]["name"] == "main"

    def test_of_two_names_is_a_slip(self, stranger: str, perdure: Perdure) -> None:
        assert perdure("project", "add", "a", "--name", "b", "--url", stranger).code == 2

    def test_with_a_wrong_token_writes_nothing(
        self, stranger: str, perdure: Perdure, known: Path
    ) -> None:
        said = perdure("project", "add", "--url", stranger, stdin="wrong")
        assert said.code == 4
        assert f"is not valid at {stranger}" in said.err
        said = perdure("project", "add", "--url", stranger, stdin="wr\u00f6ng")
        assert (said.code, "characters that no token has" in said.err) == (4, True)
        assert not known.exists()

    def test_of_a_project_of_others_says_which_are_open(
        self, stranger: str, perdure: Perdure, known: Path
    ) -> None:
        said = perdure("project", "add", "team", "--url", stranger, stdin=TOKEN)
        assert said.code == 3
        assert "opens no project `team`" in said.err
        assert "It opens `main`" in said.err
        assert not known.exists()

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (200, b"<html>"),
            (200, b'{"user": "ann", "role": "admin", "projects": ["main"]}'),
            (401, b'{"detail": "no"}'),
            (403, b"{}"),
            (404, b"not found"),
            (500, b""),
        ],
    )
    def test_tells_another_program_no_token(
        self, perdure: Perdure, known: Path, status: int, body: bytes
    ) -> None:
        with answering(status, body) as (url, told):
            said = perdure("project", "add", "--url", url, stdin=TOKEN)
        assert said.code == 1
        assert f"What answers at {url} is no perdure server." in said.err
        assert told == [""]
        assert not known.exists()

    def test_says_where_an_address_leads_on_to(self, perdure: Perdure, known: Path) -> None:
        location = "https://perdure.test/api/v1/server"
        with answering(301, b"", Location=location) as (url, told):
            said = perdure("project", "add", "--url", url, stdin=TOKEN)
        assert said.code == 2
        assert f"{url} leads on to https://perdure.test." in said.err
        assert told == [""]

    def test_of_a_server_that_is_starting_says_so(self, perdure: Perdure) -> None:
        with answering(502, b"") as (url, _):
            said = perdure("project", "add", "--url", url, stdin=TOKEN)
        assert (said.code, "[unavailable]" in said.err) == (1, True)

    def test_where_nobody_answers_says_so(self, perdure: Perdure) -> None:
        said = perdure("project", "add", "--url", "http://127.0.0.1:9", stdin=TOKEN)
        assert (said.code, "No server answers at http://127.0.0.1:9" in said.err) == (1, True)
        said = perdure("project", "add", "--url", "perdure.test", stdin=TOKEN)
        assert (said.code, "is not the URL of a server" in said.err) == (2, True)

    @pytest.mark.parametrize(
        ("url", "readable"),
        [
            ("http://perdure.test", True),
            ("http://10.77.26.1:3000", True),
            ("http://[2001:db8::1]:3000", True),
            ("https://perdure.test", False),
            ("http://localhost:3000", False),
            ("http://127.0.0.2:3000", False),
            ("http://[::1]:3000", False),
        ],
    )
    def test_warns_of_plain_http_to_another_machine(self, url: str, readable: bool) -> None:
        assert _is_readable(url) is readable

    def test_of_a_certificate_that_nobody_vouches_for_says_so(self) -> None:
        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError(
                "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get", request=request
            )

        with (
            Client(
                Connection("main", "https://perdure.test", ""),
                transport=httpx.MockTransport(refuse),
            ) as client,
            pytest.raises(ServerUnreachable, match=r"certificate of https://perdure\.test"),
        ):
            client.recognise()


class TestTokens:
    def test_are_made_with_name_end_and_scopes(self, server: FakeServer, perdure: Perdure) -> None:
        before = datetime.now(UTC)
        said = perdure(
            *("user", "token", "create", "--name", "web", "--expires", "30d"),
            *("--scope", "services:main/llm", "--scope", "services:team"),
        )
        assert (said.code, said.out) == (0, "the-value\n")
        ((owner, asked),) = server.tokens
        assert (owner, asked["name"]) == ("ann", "web")
        assert asked["scopes"] == ["services:main/llm", "services:team"]
        length = datetime.fromisoformat(asked["expires_at"]) - before
        assert timedelta(days=30) <= length < timedelta(days=31)

    def test_open_everything_unless_told_otherwise(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        perdure("user", "token", "create", "--user", "bob")
        assert server.tokens == [("bob", {"name": "cli", "expires_at": None})]

    def test_are_told_to_programs_with_what_they_open(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        said = perdure("user", "token", "create", "--scope", "services:main", "--json")
        made = json.loads(said.out)
        assert (made["value"], made["scopes"]) == ("the-value", ["services:main"])

    def test_are_listed_with_scopes_and_without_values(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        shown = perdure("user", "token", "list").out
        assert shown.splitlines()[0].split() == ["ID", "NAME", "CREATED", "EXPIRES", "SCOPES"]
        assert shown.splitlines()[1].endswith("services:main/llm")
        (listed,) = json.loads(perdure("user", "token", "list", "--json").out)
        assert listed["scopes"] == ["services:main/llm"]
        assert "value" not in listed


def test_a_user_gets_another_role(server: FakeServer, perdure: Perdure) -> None:
    said = perdure("user", "set-role", "bob", "admin")
    assert (said.code, said.err) == (0, "bob is admin of the server.\n")
    assert server.roles == {"bob": "admin"}


class TestAudit:
    @pytest.fixture(autouse=True)
    def events(self, server: FakeServer) -> None:
        server.events = [
            AuditEvent(
                id=number,
                at=LONG_AGO,
                user="ann" if number else "",
                token="t1" if number else "",
                action=Action.RUN_STOP if number else Action.UI_SIGN_IN,
                project="main",
                subject=f"main/app{number}",
                outcome=Outcome.DONE if number else Outcome.REFUSED,
            )
            for number in range(4, -1, -1)
        ]

    def test_is_a_table_for_people(self, perdure: Perdure) -> None:
        heading, first, *_, last = perdure("audit").out.splitlines()
        assert heading.split() == ["TIME", "USER", "ACTION", "SUBJECT", "OUTCOME", "TOKEN"]
        assert first.split()[2:] == ["ann", "run.stop", "main/app4", "done", "t1"]
        assert last.split()[2:] == ["-", "ui.sign-in", "main/app0", "refused", "-"]

    def test_is_complete_for_programs(self, server: FakeServer, perdure: Perdure) -> None:
        told = json.loads(perdure("audit", "--json").out)
        assert [AuditEvent.model_validate(each) for each in told] == server.events

    def test_is_the_projects_for_whom_is_no_admin_of_the_server(
        self, server: FakeServer, perdure: Perdure
    ) -> None:
        perdure("audit", "--since", "7d")
        server.role = "admin"
        perdure("audit")
        perdure("audit", "--project", "main")
        assert [path.removeprefix("/api/v1") for path, _ in server.audits] == [
            "/projects/main/audit",
            "/audit",
            "/projects/main/audit",
        ]
        assert server.audits[0][1] == {"limit": "100", "since": "7d"}

    def test_is_asked_for_in_pages(
        self, server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cli.audit.PAGE", 2)
        told = json.loads(perdure("audit", "--json", "-n", "3").out)
        assert [each["id"] for each in told] == [4, 3, 2]
        assert [asked for _, asked in server.audits] == [
            {"limit": "2"},
            {"limit": "1", "before": "3"},
        ]
