"""`secret`, `project`, `user`, `offer`: what is listed, kept and shown."""

import json
import stat
from pathlib import Path

import pytest
import yaml

from spec.offer import OfferList, Refusal
from tests.cli.conftest import Perdure
from tests.cli.fake_server import TOKEN, FakeServer, an_offer, log_line


def test_a_secret_comes_from_stdin_and_is_never_shown(server: FakeServer, perdure: Perdure) -> None:
    said = perdure("secret", "set", "HF_TOKEN", stdin="s3cret\n")
    assert said.code == 0
    assert server.secrets == {"HF_TOKEN": "s3cret"}
    shown = perdure("secret", "list").out + perdure("secret", "list", "--json").out
    assert "HF_TOKEN" in shown
    assert "s3cret" not in shown + said.out + said.err


def test_a_secret_is_never_an_argument(server: FakeServer, perdure: Perdure) -> None:
    assert perdure("secret", "set", "HF_TOKEN", "s3cret").code == 2
    assert perdure("secret", "set", "HF_TOKEN", stdin="").code == 2


def test_a_master_key_is_rotated_listed_and_forgotten(server: FakeServer, perdure: Perdure) -> None:
    (old,) = server.keys
    said = perdure("key", "rotate", "-y")
    assert said.code == 0, said.err
    new, _ = server.keys
    assert said.err == f"The key {new} seals from now on; 3 values were sealed again by it.\n"
    lines = [line.split() for line in perdure("key", "list").out.splitlines()]
    assert lines == [
        ["ID", "SEALS", "VALUES", "LIVING", "WORKFLOWS"],
        [new, "*", "3", "-"],
        [old, "3", "2"],
    ]
    assert json.loads(perdure("key", "list", "--json").out)[1]["workflows"] == 2
    assert perdure("key", "forget", old, "-y").err == f"The key {old} is forgotten.\n"
    assert server.keys == [new]


def test_a_rotation_is_confirmed(server: FakeServer, perdure: Perdure) -> None:
    assert perdure("key", "rotate").code == 2
    assert perdure("key", "forget", server.keys[0]).code == 2
    assert len(server.keys) == 1


@pytest.mark.parametrize(
    ("piped", "kept"),
    [
        ("v\n", "v"),
        ("v\r\n", "v"),
        ("v\n\n", "v\n"),
        ("  two\nlines ", "  two\nlines "),
        ("ü", "ü"),
    ],
)
def test_of_what_is_piped_in_one_line_end_at_the_end_is_left_out(
    server: FakeServer, perdure: Perdure, piped: str, kept: str
) -> None:
    assert perdure("secret", "set", "S", stdin=piped).code == 0
    assert server.secrets["S"] == kept


@pytest.mark.parametrize("value", ["", "\n", "s3cret\0", "s3cret\udcff"])
def test_what_is_no_value_is_refused_without_repeating_it(
    server: FakeServer, perdure: Perdure, value: str
) -> None:
    said = perdure("secret", "set", "S", stdin=value)
    assert said.code == 2
    assert said.err.startswith("error: The value ")
    assert "hint: " in said.err
    assert "s3cret" not in said.out + said.err
    assert server.secrets == {}


def test_an_unknown_secret_cannot_be_deleted(server: FakeServer, perdure: Perdure) -> None:
    assert perdure("secret", "delete", "NOPE", "-y").code == 3


def test_a_project_is_added_once_its_token_opens_it(
    server: FakeServer, perdure: Perdure, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url
    for name in ("PERDURE_URL", "PERDURE_TOKEN"):
        monkeypatch.delenv(name)
    said = perdure("project", "add", "--name", "main", "--url", f"{url}/", stdin=f"{TOKEN}\n")
    assert said.code == 0, said.err
    file = home / ".perdure" / "config.yml"
    assert yaml.safe_load(file.read_text()) == {
        "projects": [{"name": "main", "url": url, "token": TOKEN, "default": True}]
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert perdure("ps").code == 0
    assert perdure("project", "set-default", "main").err == "The project main is the default one.\n"
    assert perdure("project", "add", "--name", "main", "--url", url, stdin="wrong").code == 4
    assert perdure("project", "add", "x", "--url", url, stdin=TOKEN).code == 3


def test_projects_are_listed_with_the_callers_role(server: FakeServer, perdure: Perdure) -> None:
    assert json.loads(perdure("project", "list", "--json").out) == [
        {"name": "main", "url": server.url, "role": "admin", "default": False}
    ]


def test_offers_are_listed_for_options_alone(server: FakeServer, perdure: Perdure) -> None:
    server.offers = OfferList(offers=(an_offer(), an_offer(available=False)))
    said = perdure("offer", "--gpu", "24GB:2")
    assert said.code == 0, said.err
    assert said.out.splitlines()[1].startswith(" 1  runpod   CA-MTL-1  NVIDIA RTX A5000  18xCPU")
    assert said.out.splitlines()[2].endswith("$0.22  not available")
    offers = json.loads(perdure("offer", "--json").out)
    assert [offer["price"] for offer in offers] == [0.22, 0.22]


def test_where_nothing_fits_the_backends_say_why(server: FakeServer, perdure: Perdure) -> None:
    server.offers = OfferList(refusals=(Refusal(subject="local", message="There is no GPU."),))
    said = perdure("offer", "--json")
    assert (said.code, said.out) == (5, "[]\n")
    assert said.err.startswith("note: local: There is no GPU.\nerror: No offer fits.")


def test_what_a_server_names_is_shown_and_not_obeyed(server: FakeServer, perdure: Perdure) -> None:
    server.secrets = {"\x1b]0;title\x07\x9bred\u202e": "value"}
    shown = perdure("secret", "list").out
    assert "\\u001b]0;title" in shown
    assert "\\u009bred\\u202e" in shown
    assert not set(shown) & set("\x1b\x07\x9b\u202e")
    [listed] = json.loads(perdure("secret", "list", "--json").out)
    assert listed["name"] in server.secrets


def test_what_an_error_quotes_is_shown_and_not_obeyed(server: FakeServer, perdure: Perdure) -> None:
    said = perdure("logs", "a\x1b[2Jb")
    assert said.code == 3
    assert "`a\\u001b[2Jb`" in said.err
    assert "\x1b" not in said.err


def test_log_lines_are_the_services_own(server: FakeServer, perdure: Perdure) -> None:
    server.logs = [log_line(1, "\x1b[32mgreen\x1b[0m")]
    assert perdure("logs", "llm").out == "\x1b[32mgreen\x1b[0m\n"
