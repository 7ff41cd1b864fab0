"""`perdure validate` needs no server; its JSON has one line for each file."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.schema import schema
from cli.validate import validate
from spec.reader import read_configuration
from spec.schema import json_schema

GOOD = "type: service\nport: 8000\ncommands: [serve]\n"
BAD = "type: service\nportt: 8000\ncommands: [serve]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.dstack.yml").write_text(GOOD)
    (tmp_path / "bad.dstack.yml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_people_read_ok_or_where_what_and_a_hint_for_each_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert validate(["good.dstack.yml", "bad.dstack.yml"], as_json=False) == 1
    printed = capsys.readouterr()
    assert printed.out == "good.dstack.yml: ok\n"
    assert printed.err == (
        "bad.dstack.yml:2:1: `portt` is not a known property.\n"
        "hint: Did you mean `port`?\n"
        "bad.dstack.yml:1:1: `port` is missing.\n"
        "hint: Add the port that the service listens on, as in `port: 8000`.\n"
    )


@pytest.mark.usefixtures("folder")
def test_programs_read_an_object_for_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(["good.dstack.yml", "bad.dstack.yml", "none.yml"], as_json=True) == 1
    good, bad, none = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    configuration = read_configuration(GOOD, "good.dstack.yml")
    assert good == {
        "file": "good.dstack.yml",
        "ok": True,
        "error": None,
        "configuration": configuration.model_dump(mode="json"),
    }
    assert bad == {
        "file": "bad.dstack.yml",
        "ok": False,
        "error": {
            "code": "invalid_configuration",
            "message": "`portt` is not a known property.",
            "hint": "Did you mean `port`?",
            "line": 2,
            "column": 1,
        },
        "configuration": None,
    }
    assert none["error"]["message"] == "The file cannot be read: no such file or directory."


@pytest.mark.usefixtures("folder")
def test_all_right_is_exit_code_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(["good.dstack.yml"], as_json=False) == 0
    assert capsys.readouterr().err == ""


def test_what_this_version_does_not_do_is_a_warning(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = "files: [a]\npriority: 3\nhome_dir: /root2\n"
    (folder / "new.dstack.yml").write_text(GOOD + more)
    assert validate(["new.dstack.yml"], as_json=False) == 0
    printed = capsys.readouterr()
    assert printed.out == "new.dstack.yml: ok\n"
    assert printed.err == (
        "new.dstack.yml: warning: `home_dir` has no effect.\n"
        "new.dstack.yml: warning: `files` is not supported yet.\n"
        "new.dstack.yml: warning: `priority` is not supported yet.\n"
        "hint: `perdure apply` of this version refuses it because of `files`, `priority`.\n"
    )
    assert validate(["new.dstack.yml"], as_json=True) == 0
    assert capsys.readouterr().err == ""


def test_a_dash_is_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(GOOD.encode())))
    assert validate(["-"], as_json=False) == 0
    assert capsys.readouterr().out == "-: ok\n"


def test_a_file_that_is_not_text_is_placed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "latin.yml").write_bytes(b"type: service\nname: caf\xe9\n")
    assert validate(["latin.yml"], as_json=False) == 1
    assert capsys.readouterr().err == "latin.yml:2:10: The file is not UTF-8 text.\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_cannot_speak_to_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    (folder / "bad.dstack.yml").write_text(GOOD + '"\\e]0;title\\a\\x9b": 1\n')
    assert validate(["bad.dstack.yml"], as_json=as_json) == 1
    printed = "".join(capsys.readouterr())
    assert "\\u001b]0;title" in printed
    assert not set(printed) & set("\x1b\x07\x9b")


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema() == 0
    assert json.loads(capsys.readouterr().out) == json_schema()
