"""The program itself: quick, and honest about what it does not have."""

import json
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from cli.commands import processes
from cli.main import app
from perdure import __version__
from tests.cli.conftest import Perdure
from tests.cli.fake_server import FakeServer, run
from tests.cli.screen import ROOT

HEAVY = ("pydantic", "httpx", "rich", "yaml", "asyncio")
IMPORTED = f"""\
import sys
from cli.main import main
sys.argv = ["perdure", *sys.argv[1:]]
try:
    main()
finally:
    found = [name for name in {HEAVY!r} if name in sys.modules]
    sys.stderr.write(",".join(found))
"""


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    assert done.stderr == ""


def test_python_dash_m_perdure_is_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perdure", "version"], cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout.decode() == f"perdure {__version__}\n"


def test_the_version_is_an_option_too(perdure: Perdure) -> None:
    said = perdure("--version")
    assert (said.code, said.out) == (0, f"perdure {__version__}\n")


def test_the_reference_is_what_help_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.reference"], cwd=ROOT, capture_output=True, check=True
    )
    assert (ROOT / "docs" / "reference" / "cli.md").read_text() == done.stdout.decode(), (
        "write it anew: python -m cli.reference > docs/reference/cli.md"
    )


def test_an_unknown_option_is_wrong_usage(perdure: Perdure) -> None:
    said = perdure("ps", "--wrong")
    assert said.code == 2
    assert "No such option" in said.err


def test_completion_prints_the_shells_script(perdure: Perdure) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perdure", "completion", "bash"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert b"complete -o default -F _perdure_completion perdure" in done.stdout
    assert perdure("completion", "tcsh").code == 2


def completed(words: str) -> list[str]:
    """What a shell is told to offer for the next word."""
    shell = {"_PERDURE_COMPLETE": "complete_bash", "COMP_WORDS": f"{words} "}
    done = subprocess.run(
        [sys.executable, "-m", "perdure"],
        cwd=ROOT,
        env=os.environ | shell | {"COMP_CWORD": str(len(words.split()))},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout.decode().split()


def test_runs_are_completed_from_the_server(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.runs = [run(name="llm"), run(name="web")]
    assert completed("perdure stop") == ["llm", "web"]
    assert completed("perdure logs --project main") == ["llm", "web"]
    monkeypatch.setenv("PERDURE_URL", "http://127.0.0.1:9")
    assert completed("perdure stop") == []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that this process would have become."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, command: commands.append(command))
    return commands


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("server", "server"),
        ("api", "api"),
        ("worker", "worker"),
        ("proxy", "proxy"),
        ("tunnels", "hosts.tunnels"),
    ],
)
def test_a_process_is_started_by_its_module_in_nobodys_folder(
    perdure: Perdure, started: list[list[str]], command: str, module: str
) -> None:
    perdure(command)
    assert started == [[sys.executable, "-P", "-m", module]]


def test_options_of_a_process_are_passed_on(perdure: Perdure, started: list[list[str]]) -> None:
    perdure("proxy", "--routes", "table.json", "--help")
    assert started[0][4:] == ["--routes", "table.json", "--help"]


def test_options_of_the_server_are_its_settings(
    perdure: Perdure, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PERDURE_HOST", "PERDURE_PORT", "PERDURE_DATA_DIR"):
        monkeypatch.setenv(name, "before")
    perdure("server", "--host", "0.0.0.0", "--port", "3001")
    assert started[0][4:] == []
    assert os.environ["PERDURE_HOST"] == "0.0.0.0"
    assert os.environ["PERDURE_PORT"] == "3001"
    assert os.environ["PERDURE_DATA_DIR"] == "before"


@pytest.mark.parametrize("process", ["server", "api", "worker", "tunnels"])
def test_the_help_of_a_process_starts_nothing(
    perdure: Perdure, started: list[list[str]], process: str
) -> None:
    said = perdure(process, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: perdure {process} [OPTIONS]")
    assert not started


def test_the_client_alone_says_what_to_install(
    perdure: Perdure, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(processes, "find_spec", missing)
    said = perdure("server")
    assert said.code == 1
    assert said.err.endswith('hint: Install them with `pip install "perdure[server]"`.\n')
    assert not started


def test_every_command_says_what_it_does() -> None:
    commands = [command.callback for command in app.registered_commands]
    assert all(callback is not None and callback.__doc__ for callback in commands)


def test_validate_and_schema_need_no_server(perdure: Perdure, workplace: Path) -> None:
    (workplace / "a.dstack.yml").write_text("type: service\nport: 80\ncommands: [x]\n")
    assert json.loads(perdure("validate", "--json", "a.dstack.yml").out)["ok"] is True
    assert "$schema" in json.loads(perdure("schema").out)


def test_help_has_a_short_option_and_lists_commands_with_whole_sentences(perdure: Perdure) -> None:
    said = perdure("-h")
    assert said == perdure("--help")
    assert "..." not in said.out.split("Commands:")[1]
