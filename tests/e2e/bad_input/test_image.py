"""An image that does not come ends the run, which says why; no container is left."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bad_input.line import Line, example
from tests.e2e.bad_input.lines import image as lines
from tests.e2e.conftest import containers
from tests.e2e.installation import Installation
from tests.testbed.deadline import wait_until
from tests.testbed.engine import MIRROR_PORT, Engine
from tests.testbed.registry import USER

REGISTRY = "registry.example.com"


def written(folder: Path, line: Line, registry: str) -> Path:
    """A folder with the line's file, of a registry that there is."""
    folder.mkdir()
    text = line.file.replace(REGISTRY, registry).replace("somebody", json.dumps(USER))
    (folder / ".dstack.yml").write_text(text)
    return folder


@pytest.fixture
def silent(engine: Engine) -> Iterator[str]:
    """A registry that accepts connections and says nothing."""
    with socket.create_server((engine.namespace.our_address, 0)) as listener:
        yield f"{engine.namespace.our_address}:{listener.getsockname()[1]}"


WORDS = re.compile(r"(?:pulled|`): ([^`\n]*) \[image")


def docker_words(told: str, line: Line) -> dict[str, str]:
    """The engine's own words, which differ with its version, and those of the line."""
    found, written = WORDS.search(told), WORDS.search(line.shown)
    assert found is not None, told
    assert written is not None
    return {found[1]: written[1]}


@example(lines.ABSENT)
@pytest.mark.usefixtures("public_image")
def test_an_image_that_does_not_exist_is_told(
    docker: Installation, engine: Engine, tmp_path: Path
) -> None:
    mirror = f"{engine.namespace.our_address}:{MIRROR_PORT}"
    fails(docker, engine, written(tmp_path / "nothing", lines.ABSENT, mirror), lines.ABSENT, mirror)


@example(lines.DENIED)
def test_a_wrong_password_is_told_and_not_shown(
    docker: Installation, engine: Engine, private_image: str, tmp_path: Path
) -> None:
    registry = private_image.partition("/")[0]
    folder = written(tmp_path / "denied", lines.DENIED, registry)
    fails(docker, engine, folder, lines.DENIED, registry)


@example(lines.SILENT)
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_silent_registry_is_told_after_some_minutes(
    docker: Installation, engine: Engine, silent: str, tmp_path: Path
) -> None:
    folder = written(tmp_path / "silent", lines.SILENT, silent)
    fails(docker, engine, folder, lines.SILENT, silent)


def fails(docker: Installation, engine: Engine, folder: Path, line: Line, registry: str) -> None:
    """`apply` and `ps -v` say the same of it."""
    done = docker.run("apply", "-y", folder=folder, timeout=800)
    line.check(
        done.returncode, done.stderr, {**docker_words(done.stderr, line), registry: REGISTRY}
    )
    shown = docker.perdure("ps", "-a", "-v")
    assert line.error is not None
    assert f"{folder.name}, replica 0: [{line.error.code()}]" in shown
    assert f"  {line.shown.splitlines()[-1]}" in shown
    assert containers(engine, folder.name) == []
    assert "wrong" not in done.stderr + shown


@example(lines.STOP)
def test_a_stop_while_the_image_is_pulled_leaves_nothing(
    docker: Installation, engine: Engine, silent: str, tmp_path: Path
) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    text = f"type: service\nname: slow\nport: 8000\nimage: {silent}/slow:1\n"
    (folder / ".dstack.yml").write_text(text)
    docker.perdure("apply", "-y", "-d", folder=folder)
    wait_until(lambda: docker.phase("slow") == "pulling", "the image is being pulled")
    done = docker.run("stop", "-y", "slow")
    lines.STOP.check(done.returncode, done.stderr)
    assert containers(engine, "slow") == []
