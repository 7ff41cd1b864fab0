"""An image that does not come ends the run, which says why; no container is left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bad_input.line import Line, example
from tests.e2e.bad_input.lines import image as lines
from tests.e2e.bad_input.unpulled import has_failed, written
from tests.e2e.containers import containers
from tests.e2e.installation import Installation
from tests.testbed.deadline import wait_until
from tests.testbed.engine import MIRROR_PORT, Engine
from tests.testbed.registry import silent_registry


@pytest.fixture
def silent(engine: Engine) -> Iterator[str]:
    with silent_registry(engine) as address:
        yield address


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


def fails(docker: Installation, engine: Engine, folder: Path, line: Line, registry: str) -> None:
    """`apply` and `ps -v` say the same of it."""
    has_failed(docker.run("apply", "-y", folder=folder), docker, engine, folder, line, registry)


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
