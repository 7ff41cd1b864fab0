"""A runtime on a real engine, and a fresh name for each job."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from hosts.addresses import AddressBook
from hosts.docker import DockerRuntime
from hosts.docker.network import network_name
from tests.hosts.docker.addresses import AddressList
from tests.hosts.docker.jobs import SERVER
from tests.testbed.engine import Engine


@pytest.fixture
def token() -> str:
    return uuid4().hex[:12]


@pytest.fixture(scope="session")
def book() -> AddressBook:
    return AddressList()


@pytest.fixture
async def runtime(engine: Engine, book: AddressBook) -> AsyncIterator[DockerRuntime]:
    """The runtime of the server `SERVER`; its jobs are removed after the test."""
    async with DockerRuntime(engine.url, SERVER, book) as runtime:
        yield runtime
        for left in await runtime.tokens():
            await runtime.remove(left)


@pytest.fixture
async def mortal(mortal_engine: Engine, book: AddressBook) -> AsyncIterator[DockerRuntime]:
    """The same on the engine that may be killed."""
    async with DockerRuntime(mortal_engine.url, SERVER, book) as runtime:
        yield runtime
        for left in await runtime.tokens():
            await runtime.remove(left)


@pytest.fixture
def other_server(engine: Engine) -> Iterator[str]:
    """The id of another server on the engine; its containers and network go after the test."""
    server = f"other-{uuid4().hex[:8]}"
    yield server
    left = engine.docker("ps", "-aq", "--filter", f"label=perdure.server={server}").split()
    if left:
        engine.docker("rm", "-f", *left)
    if engine.docker("network", "ls", "-q", "--filter", f"name={network_name(server)}"):
        engine.docker("network", "rm", network_name(server))
