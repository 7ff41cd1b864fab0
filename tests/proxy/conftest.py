"""One proxy process for each module; upstream servers, clients and live proxies for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from temporalio.client import Client as Temporal
from temporalio.worker import Worker

from engine.converter import PublicCodec, SealingCodec
from perdure.keys import create_secret, read_authenticity_keys
from spec.feed import Feed
from tests.engine.fixed_keys import fixed
from tests.proxy.fake_api import KEY, FakeApi
from tests.proxy.following import QUEUE
from tests.proxy.running import TOKENS, ProxyProcess, RunningProxy
from tests.proxy.stub_run import StubRun
from tests.proxy.temporal_server import TemporalServer, when_ready
from tests.proxy.upstream import Handler, Upstream
from tests.proxy.wire import Client

Live = Callable[..., ProxyProcess]


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
    *("--closing-seconds", "3", "--sweep-seconds", "0.1", "--standing-seconds", "60"),
)
"""Limits that a test can wait for; and waves that only replies let grow."""


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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    """One for each module: a test ends the runs that it began."""
    server = TemporalServer(tmp_path_factory.mktemp("temporal"))
    yield server
    server.stop()


@pytest.fixture
def codec(tmp_path: Path) -> SealingCodec:
    """That of the installation whose proxy is tested."""
    file = tmp_path / "internal.key"
    create_secret(file, KEY.encode())
    return SealingCodec(fixed(*read_authenticity_keys(file)), fixed(bytes(32)))


@pytest.fixture
async def temporal(
    server: TemporalServer, codec: PublicCodec, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Temporal]:
    """A client of the server, and a worker for the runs."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{server.port}")
    client = await when_ready(codec)
    async with Worker(client, task_queue=QUEUE, workflows=[StubRun]):
        yield client


@pytest.fixture
async def api(tmp_path: Path, codec: PublicCodec) -> AsyncIterator[FakeApi]:
    """The internal API; it has told the tokens."""
    (tmp_path / "run").mkdir()
    (tmp_path / "proxy").mkdir()
    api = FakeApi()
    await api.say(Feed(seq=1, full=True, tokens=TOKENS))
    await api.start(tmp_path / "run" / "internal.sock")
    yield api
    await api.close()


@pytest.fixture
def live(tmp_path: Path, server: TemporalServer, api: FakeApi) -> Iterator[Live]:
    """Start proxies that follow Temporal and ask the API; all end with the test."""
    started: list[ProxyProcess] = []

    def start(anti_entropy: float = 0.2, *others: str) -> ProxyProcess:
        environment = {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{server.port}",
            "PERDURE_ANTI_ENTROPY": str(anti_entropy),
        }
        feeds = [f"unix://{tmp_path}/run/internal.sock", *others]
        told = [word for feed in feeds for word in ("--feed", feed)]
        started.append(ProxyProcess(tmp_path, *told, environment=environment))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            assert each.stop() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
