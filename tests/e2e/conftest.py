"""Installations for all tests of a session that do not break them."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.e2e.bad_input.lines import image as lines
from tests.e2e.bad_input.unpulled import written
from tests.e2e.containers import containers
from tests.e2e.installation import Installation, installation
from tests.testbed import rootfs
from tests.testbed.engine import MIRROR_PORT, Engine
from tests.testbed.fixtures import DOCKER_IMAGE, import_image
from tests.testbed.registry import silent_registry

SEED_IMAGES = (
    "dstackai/base:py3.10-0.6-cuda-12.1",
    "dstackai/base:py3.10-0.6-cuda-12.1-devel",
    "dstackai/base:py3.13-0.6-cuda-12.1",
)


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Plain processes, as on a machine without Docker."""
    home: Path = tmp_path_factory.mktemp("home")
    with installation(home, PERDURE_RUNTIME="process") as place:
        yield place


@pytest.fixture(scope="package")
def docker(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Installation]:
    """Containers of the test bed's engine. Afterwards none of ours is left there."""
    home: Path = tmp_path_factory.mktemp("docker-home")
    with installation(home, PERDURE_RUNTIME="docker", PERDURE_DOCKER_HOST=engine.url) as place:
        yield place
    assert containers(engine) == []


@pytest.fixture(scope="session")
def docker_image(engine: Engine) -> str:
    """An image with Docker inside; its data is on a volume, not on a file system over another."""
    import_image(engine, DOCKER_IMAGE, rootfs.docker_tar(), "VOLUME /var/lib/docker")
    return DOCKER_IMAGE


@pytest.fixture(scope="session")
def seed_images(engine: Engine, public_image: str) -> tuple[str, ...]:
    """The images that the documentation's files name, at the mirror; the engine has none."""
    mirror = f"{engine.namespace.our_address}:{MIRROR_PORT}"
    import_image(engine, "perdure-test/public:1", rootfs.base_tar("public"))
    for name in SEED_IMAGES:
        engine.docker("tag", "perdure-test/public:1", f"{mirror}/{name}")
        engine.docker("push", "--quiet", f"{mirror}/{name}")
        engine.docker("rmi", f"{mirror}/{name}")
    engine.docker("rmi", "perdure-test/public:1")
    return SEED_IMAGES


@dataclass(frozen=True)
class Silence:
    """An `apply` of an image that a silent registry has, for as long as that takes."""

    place: Installation
    folder: Path
    registry: str
    done: "Future[CompletedProcess[str]]"


@pytest.fixture(scope="package")
def silence(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Silence]:
    """Docker waits for minutes, on an installation of its own, while others are tested."""
    home: Path = tmp_path_factory.mktemp("silent-home")
    extra = {"PERDURE_RUNTIME": "docker", "PERDURE_DOCKER_HOST": engine.url}
    with (
        installation(home, **extra) as place,
        silent_registry(engine) as registry,
        ThreadPoolExecutor(1) as pool,
    ):
        folder = written(home / "silent", lines.SILENT, registry)
        done = pool.submit(place.run, "apply", "-y", folder=folder, timeout=800)
        yield Silence(place, folder, registry, done)


@pytest.fixture(scope="package", autouse=True)
def begins_early(request: pytest.FixtureRequest) -> None:
    """What waits for minutes begins before all others."""
    if any("silence" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("silence")
