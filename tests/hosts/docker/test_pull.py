"""Images come from real registries, with the right credentials only."""

import logging
import socket
from datetime import timedelta

import pytest

from hosts.docker import DockerRuntime, image
from perdure.errors import ImageNotFound, ImagePullDenied, ImagePullFailed
from spec.job import PullProgress, RegistryCredentials
from tests.hosts.docker.jobs import job, output
from tests.testbed.engine import Engine
from tests.testbed.fixtures import BASE_IMAGE, DOCKER_IMAGE
from tests.testbed.registry import PASSWORD, USER


@pytest.fixture(autouse=True)
def nothing_was_pulled(engine: Engine, public_image: str, private_image: str) -> None:
    """Other tests of the session use the engine, too."""
    there = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    pulled = [name for name in there if name not in (BASE_IMAGE, DOCKER_IMAGE)]
    if pulled:
        engine.docker("rmi", "--force", *pulled)


def ignore(progress: PullProgress) -> None:
    """Nobody looks."""


async def test_an_absent_image_is_pulled_and_tells_how_far_it_is(
    runtime: DockerRuntime, engine: Engine, public_image: str, token: str
) -> None:
    told: list[PullProgress] = []
    wanted = job(token, "echo", "pulled", image=public_image)
    await runtime.pull(wanted, told.append)
    assert told
    assert told[-1].done == told[-1].total > 0
    assert await output(runtime, wanted) == "pulled"
    again: list[PullProgress] = []
    await runtime.pull(wanted, again.append)
    assert again == []


@pytest.mark.parametrize(
    "credentials", [None, RegistryCredentials(username=USER, password="wrong")]
)
async def test_a_private_image_is_not_given_to_everybody(
    runtime: DockerRuntime, private_image: str, token: str, credentials: RegistryCredentials | None
) -> None:
    with pytest.raises(ImagePullDenied, match="team/app"):
        await runtime.pull(job(token, image=private_image, registry=credentials), ignore)


async def test_a_private_image_comes_with_its_credentials(
    runtime: DockerRuntime, engine: Engine, private_image: str, token: str
) -> None:
    credentials = RegistryCredentials(username=USER, password=PASSWORD)
    private = job(token, "echo", "private", image=private_image, registry=credentials)
    await runtime.pull(private, ignore)
    assert await output(runtime, private) == "private"
    await runtime.remove(token)
    engine.docker("rmi", private_image)


async def test_an_image_that_does_not_exist_is_not_found(
    runtime: DockerRuntime, private_image: str, token: str
) -> None:
    credentials = RegistryCredentials(username=USER, password=PASSWORD)
    absent = private_image.removesuffix(":1") + ":2"
    with pytest.raises(ImageNotFound, match="app:2"):
        await runtime.pull(job(token, image=absent, registry=credentials), ignore)


async def test_a_registry_that_is_away_fails_an_absent_image(
    runtime: DockerRuntime, engine: Engine, token: str
) -> None:
    nowhere = f"{engine.namespace.our_address}:1/a:1"
    with pytest.raises(ImagePullFailed, match="refused"):
        await runtime.pull(job(token, image=nowhere), ignore)


async def test_a_registry_that_is_away_is_a_warning_when_the_image_is_there(
    runtime: DockerRuntime, engine: Engine, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    local = f"{engine.namespace.our_address}:1/a:latest"
    engine.docker("tag", BASE_IMAGE, local)
    with caplog.at_level(logging.WARNING, image.__name__):
        await runtime.pull(job(token, image=local), ignore)
    engine.docker("rmi", local)
    assert "the one that is on the machine is used" in caplog.text


async def test_so_is_a_registry_that_accepts_and_is_silent(
    runtime: DockerRuntime,
    engine: Engine,
    token: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image, "PATIENCE", timedelta(seconds=0.5))
    with socket.create_server((engine.namespace.our_address, 0)) as silent:
        local = f"{engine.namespace.our_address}:{silent.getsockname()[1]}/a:latest"
        engine.docker("tag", BASE_IMAGE, local)
        with caplog.at_level(logging.WARNING, image.__name__):
            await runtime.pull(job(token, image=local), ignore)
    engine.docker("rmi", local)
    assert "does not answer" in caplog.text
