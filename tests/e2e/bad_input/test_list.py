"""The list is whole: each line of it has an example that runs, and says code, message and hint."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.e2e.bad_input.line import EXAMPLES, Line
from tests.e2e.bad_input.lines import TOPICS

HERE = Path(__file__).parent
LINES = [line for lines in TOPICS.values() for line in lines]
NAMES = (
    *("YAML syntax", "unknown key", "wrong type", "`port` missing", "missing `HF_TOKEN`"),
    *("unknown secret", "illegal name", "repo over the limit", "server not running"),
    *("wrong token", "unknown project", "no matching offer", "image not found"),
    *("registry refuses", "registry is silent", "command not found", "container exits at once"),
    *("service never opens its port", "OOM", "port of the server taken", "data directory full"),
    *("Docker engine goes away", "apply again after a lost answer", "stop twice"),
    *("stop while pulling", "Ctrl-C", "a request with a bad token", "a request without a token"),
    *("a request for another project", "a 1 GB log line", "a service that prints secrets"),
    *("API not running", "a time that is none"),
)


def test_the_list_is_whole() -> None:
    assert {line.name for line in LINES} == set(NAMES)


def test_every_line_has_an_example_that_runs() -> None:
    for file in HERE.glob("test_*.py"):
        import_module(f"{__package__}.{file.stem}")
    import_module("tests.e2e.test_silence")
    assert set(EXAMPLES) == set(LINES)


def test_no_situation_is_told_twice() -> None:
    assert len({line.situation for line in LINES}) == len(LINES)


@pytest.mark.parametrize("line", [line for line in LINES if line.error], ids=str)
def test_an_error_has_its_code_a_hint_and_the_status_of_its_kind(line: Line) -> None:
    assert line.error is not None
    code = line.error.code()
    if line.is_request:
        assert line.ends == line.error.http_status
        assert f'"code": "{code}"' in line.shown
        return
    assert f" [{code}]\n" in line.shown
    assert "hint: " in line.shown
    if line.shown.startswith("error: "):
        assert line.ends == line.error.exit_code
