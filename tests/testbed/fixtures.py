"""The test bed as pytest fixtures: made once per session, taken away at its end."""

import base64
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed import rootfs
from tests.testbed.engine import MIRROR_PORT, Engine
from tests.testbed.namespace import Namespace
from tests.testbed.postgres import Postgres, running
from tests.testbed.registry import PASSWORD, USER, Registry
from tests.testbed.tool import require_tools, run

# A fixed place: what a killed run has left is found, and cleaned, by the next one.
BED = Path("/tmp/perdure-bed")

BASE_IMAGE = "perdure-test/base:1"
DOCKER_IMAGE = "perdure-test/docker:1"
PRIVATE_PORT = 19050
PUBLIC_IMAGE = "dstackai/base:py3.12-0.6-cuda-12.1"


@pytest.fixture(scope="session")
def bed() -> Iterator[Path]:
    """The folder of the test bed, ours alone: another test run waits."""
    with alone("lock"):
        yield BED


@pytest.fixture(scope="session")
def engine(bed: Path) -> Iterator[Engine]:
    """An engine that is not disturbed, with `BASE_IMAGE`."""
    engine = Engine(Namespace(0), bed / "e0")
    try:
        engine.create()
        import_image(engine, BASE_IMAGE, rootfs.base_tar())
        yield engine
    finally:
        engine.remove()


@pytest.fixture(scope="session")
def mortal_engine(bed: Path) -> Iterator[Engine]:
    """An engine to be killed, with `BASE_IMAGE`; its containers live on."""
    engine = Engine(Namespace(1), bed / "e1", live_restore=True)
    try:
        engine.create()
        import_image(engine, BASE_IMAGE, rootfs.base_tar())
        yield engine
    finally:
        engine.remove()


@pytest.fixture(scope="session")
def private_image(bed: Path, engine: Engine) -> Iterator[str]:
    """An image in a registry that asks for `USER` and `PASSWORD`; the engine does not have it."""
    address = f"{engine.namespace.our_address}:{PRIVATE_PORT}"
    registry = Registry(_fresh(bed / "private"), address, private=True)
    try:
        registry.start()
        config = _login(bed / "cli", address)
        image = f"{address}/team/app:1"
        engine.docker("tag", BASE_IMAGE, image)
        engine.docker("--config", config, "push", "--quiet", image)
        engine.docker("rmi", image)
        yield image
    finally:
        registry.stop()


@pytest.fixture(scope="session")
def public_image(bed: Path, engine: Engine) -> Iterator[str]:
    """A name of Docker Hub, served by a mirror; the engine does not have it."""
    address = f"{engine.namespace.our_address}:{MIRROR_PORT}"
    registry = Registry(_fresh(bed / "mirror"), address, private=False)
    try:
        registry.start()
        import_image(engine, f"{address}/{PUBLIC_IMAGE}", rootfs.base_tar("public"))
        engine.docker("push", "--quiet", f"{address}/{PUBLIC_IMAGE}")
        engine.docker("rmi", f"{address}/{PUBLIC_IMAGE}")
        yield PUBLIC_IMAGE
    finally:
        registry.stop()


@contextmanager
def alone(name: str) -> Iterator[None]:
    """The part of the test bed of that name, for as long as the context lasts."""
    require_tools()
    BED.mkdir(exist_ok=True)
    with (BED / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, for nobody but this session."""
    with running(Path(tempfile.mkdtemp(prefix="pd-pg-", dir="/tmp"))) as server:
        yield server


def import_image(engine: Engine, name: str, tar: bytes, *changes: str) -> None:
    """Make an image of one layer; `changes` are lines of a Dockerfile."""
    path = engine.folder / f"{os.urandom(4).hex()}.tar"
    path.write_bytes(tar)
    lines = ("ENV PATH=/usr/bin:/usr/sbin", *changes)
    engine.docker("import", *(f"--change={line}" for line in lines), str(path), name)
    path.unlink()


def derive_image(engine: Engine, name: str, *changes: str) -> None:
    """Make `BASE_IMAGE` with other settings."""
    container = engine.docker("create", BASE_IMAGE, "true")
    engine.docker("commit", *(f"--change={line}" for line in changes), container, name)
    engine.docker("rm", container)


def _login(folder: Path, address: str) -> str:
    """A configuration of the command line; its own `login` wants HTTPS."""
    folder.mkdir(exist_ok=True)
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": login}}}))
    return str(folder)


def _fresh(folder: Path) -> Path:
    if folder.exists():
        run("rm", "-rf", folder)
    return folder
