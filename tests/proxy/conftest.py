"""One proxy process for each module; upstream servers and clients for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

import pytest

from tests.proxy.running import RunningProxy
from tests.proxy.upstream import Handler, Upstream
from tests.proxy.wire import Client


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    running = RunningProxy(tmp_path_factory.mktemp("proxy"), *SHORT)
    yield running
    code = running.stop()
    log = running.log.read_text()
    assert code == 0, log
    assert "Traceback" not in log, log


SHORT = (
    *("--head-seconds", "1", "--silent-seconds", "1.5", "--grace-seconds", "1"),
    *("--sweep-seconds", "0.1"),
)
"""Limits that a test can wait for."""


@pytest.fixture
async def upstream() -> AsyncIterator[Callable[..., Awaitable[Upstream]]]:
    """Start upstream servers; all end with the test."""
    started: list[Upstream] = []

    async def start(handler: Handler | None = None) -> Upstream:
        started.append(await Upstream(handler).start())
        return started[-1]

    yield start
    for each in started:
        await each.close()


@pytest.fixture
async def connect(proxy: RunningProxy) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    """Open raw connections to the proxy; all end with the test."""
    opened: list[Client] = []

    async def open_one() -> Client:
        opened.append(await proxy.connect())
        return opened[-1]

    yield open_one
    for each in opened:
        each.writer.close()
        with suppress(ConnectionError):
            await each.writer.wait_closed()


@pytest.fixture
async def client(connect: Callable[[], Awaitable[Client]]) -> Client:
    """A raw connection to the proxy."""
    return await connect()
