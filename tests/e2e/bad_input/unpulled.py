"""Services whose image does not come, and what is told of them."""

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

from tests.e2e.bad_input.line import Line
from tests.e2e.containers import containers
from tests.e2e.installation import Installation
from tests.testbed.engine import Engine
from tests.testbed.registry import USER

REGISTRY = "registry.example.com"


def written(folder: Path, line: Line, registry: str) -> Path:
    """A folder with the line's file, of a registry that there is."""
    folder.mkdir()
    text = line.file.replace(REGISTRY, registry).replace("somebody", json.dumps(USER))
    (folder / ".dstack.yml").write_text(text)
    return folder


WORDS = re.compile(r"(?:pulled|`): ([^`\n]*) \[image")


def docker_words(told: str, line: Line) -> dict[str, str]:
    """The engine's own words, which differ with its version, and those of the line."""
    found, written = WORDS.search(told), WORDS.search(line.shown)
    assert found is not None, told
    assert written is not None
    return {found[1]: written[1]}


def has_failed(
    done: "CompletedProcess[str]",
    docker: Installation,
    engine: Engine,
    folder: Path,
    line: Line,
    registry: str,
) -> None:
    """This `apply` did, and `ps -v` says the same of it."""
    line.check(
        done.returncode, done.stderr, {**docker_words(done.stderr, line), registry: REGISTRY}
    )
    shown = docker.perdure("ps", "-a", "-v")
    assert line.error is not None
    assert f"{folder.name}, replica 0: [{line.error.code()}]" in shown
    assert f"  {line.shown.splitlines()[-1]}" in shown
    assert containers(engine, folder.name) == []
    assert "wrong" not in done.stderr + shown
