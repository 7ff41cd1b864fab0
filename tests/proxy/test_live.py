"""Routes from Temporal, tokens from the internal API, and neither when both are away."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from temporalio.client import Client as Temporal
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from engine.converter import PublicCodec, SealingCodec
from engine.ids import ROUTE_MEMO, Message, WorkflowType
from perdure.keys import create_secret, read_authenticity_keys
from proxy.limits import Limits
from proxy.plane import Plane
from proxy.reader import RouteReader
from proxy.state import State
from spec.feed import Feed, RunStarted
from spec.names import run_id
from spec.route import ReplicaRoute, RouteTable, TokenGrant
from tests.engine.fixed_keys import fixed
from tests.proxy.fake_api import KEY, FakeApi
from tests.proxy.running import TOKENS, ProxyProcess, head
from tests.proxy.stub_run import StubRun
from tests.proxy.temporal_server import TemporalServer, when_ready
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Client
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Live = Callable[..., ProxyProcess]
QUEUE = "stub"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
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
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{server.port}")
    client = await when_ready(codec)
    async with Worker(client, task_queue=QUEUE, workflows=[StubRun]):
        yield client


@pytest.fixture
async def api(tmp_path: Path, codec: PublicCodec) -> AsyncIterator[FakeApi]:
    (tmp_path / "run").mkdir()
    (tmp_path / "proxy").mkdir()
    api = FakeApi()
    await api.say(Feed(seq=1, full=True, tokens=TOKENS))
    await api.start(tmp_path / "run" / "internal.sock")
    yield api
    await api.close()


@pytest.fixture
def live(tmp_path: Path, server: TemporalServer, api: FakeApi) -> Iterator[Live]:
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


def table(run: str, version: int, *addresses: str) -> RouteTable:
    replicas = tuple(
        ReplicaRoute(id=f"{run}/r{number}", address=address)
        for number, address in enumerate(addresses)
    )
    return RouteTable(project="main", run=run, version=version, replicas=replicas)


async def begin(client: Temporal, first: RouteTable) -> WorkflowHandle[object, object]:
    return await client.start_workflow(
        WorkflowType.RUN, first, id=run_id("main", first.run), task_queue=QUEUE
    )


def has_read(process: ProxyProcess, seq: int) -> bool:
    return process.stats().feed == seq


def applied(run: str) -> tuple[RunStarted, ...]:
    return (RunStarted(project="main", run=run),)


async def ready(process: ProxyProcess) -> None:
    await eventually(process.is_ready)


async def has(process: ProxyProcess, run: str, version: int | None) -> None:
    def same() -> bool:
        mark = process.stats().tables.get(f"main/{run}")
        return (mark.version if mark else None) == version

    await eventually(same)


async def ask(process: ProxyProcess, run: str, token: str = "good") -> int:
    client: Client = await process.connect()
    reply = await client.send(head(run).replace(b"good", token.encode()))
    client.writer.close()
    await client.writer.wait_closed()
    return reply.status


async def test_of_two_apis_the_one_that_lives_is_asked(
    temporal: Temporal, api: FakeApi, live: Live, tmp_path: Path
) -> None:
    other = FakeApi()
    await other.start(tmp_path / "run" / "internal-two.sock")
    process = live(0.2, f"unix://{tmp_path}/run/internal-two.sock")
    await ready(process)
    assert has_read(process, 1)
    assert other.leases == {}
    await other.say(Feed(seq=2, revoked=(sha256(b"good").hexdigest(),)))
    await api.close()
    await eventually(partial(has_read, process, 2))
    await eventually(lambda: [lease.feed for lease in other.leases.values()] == [2])
    assert await ask(process, "nowhere") == 401
    await other.close()


async def test_a_run_is_followed_through_all_its_lives(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    address = (await upstream()).address
    run = await begin(temporal, table("lives", 1))
    process = live()
    await ready(process)
    await has(process, "lives", 1)
    assert await ask(process, "lives") == 503

    await run.signal("publish", table("lives", 2, address))
    await has(process, "lives", 2)
    assert await ask(process, "lives") == 200

    await run.signal("renew")
    await run.signal("publish", table("lives", 3, address))
    await has(process, "lives", 3)
    report = await asyncio.to_thread(process.manage.get, "/admin/routes?verify=1")
    assert report.json()["differs"] == []

    await run.signal("end")
    await has(process, "lives", None)
    assert await ask(process, "lives") == 404

    run = await begin(temporal, table("lives", 1, address))
    await has(process, "lives", 1)
    assert await ask(process, "lives") == 200
    await run.signal("end")


async def test_a_new_run_is_known_at_its_first_request(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    process = live(anti_entropy=60)
    await ready(process)
    assert await ask(process, "never") == 404
    run = await begin(temporal, table("fresh", 1, (await upstream()).address))
    await run.query(Message.GET_ROUTE)
    assert await ask(process, "fresh", token="other") == 403
    assert process.stats().tables == {}
    assert await ask(process, "fresh") == 200
    await run.signal("end")


async def test_the_feed_tells_of_tokens_and_of_new_runs(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    process = live(anti_entropy=60)
    await ready(process)
    boot = process.stats().boot
    run = await begin(temporal, table("told", 1, (await upstream()).address))
    grant = TokenGrant(sha256=sha256(b"new").hexdigest(), projects=("main",))
    await run.query(Message.GET_ROUTE)
    await api.say(Feed(seq=2, tokens=(grant,), started=applied("told")))
    await eventually(lambda: api.leases[boot].feed == 2)
    assert process.stats().tables["main/told"].version == 1
    assert api.leases[boot].stats == f"tcp://127.0.0.1:{process.manage_port}"
    assert await ask(process, "told", token="new") == 200
    await api.say(Feed(seq=3, revoked=(grant.sha256,)))
    await eventually(lambda: process.stats().feed == 3)
    assert await ask(process, "told", token="new") == 401
    assert await ask(process, "told") == 200
    await run.signal("end")


async def test_a_run_applied_again_at_once_is_not_forgotten_with_its_last_life(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start
) -> None:
    address = (await upstream()).address
    process = live(anti_entropy=60)
    await ready(process)
    for life in range(4):
        run = await begin(temporal, table("again", life + 1, address))
        await run.query(Message.GET_ROUTE)
        await api.say(Feed(seq=2 + life, started=applied("again")))
        await eventually(partial(has_read, process, 2 + life))
        assert await ask(process, "again") == 200
        await run.signal("end")
        await run.result()
    await has(process, "again", None)


async def test_a_run_applied_while_temporal_is_away_is_known_when_it_is_back(
    temporal: Temporal, server: TemporalServer, api: FakeApi, live: Live, upstream: Start
) -> None:
    run = await begin(temporal, table("early", 1, (await upstream()).address))
    await run.query(Message.GET_ROUTE)
    await api.say(Feed(seq=2, full=True, tokens=TOKENS, started=applied("early")))
    server.process.send_signal(signal.SIGSTOP)
    try:
        process = live(anti_entropy=60)
        await eventually(lambda: any(lease.feed == 2 for lease in api.leases.values()))
        assert process.stats().tables == {}
    finally:
        server.process.send_signal(signal.SIGCONT)
    await has(process, "early", 1)
    assert await ask(process, "early") == 200
    await run.signal("end")


async def test_it_serves_and_restarts_with_temporal_and_the_api_away(
    temporal: Temporal,
    server: TemporalServer,
    api: FakeApi,
    live: Live,
    upstream: Start,
    tmp_path: Path,
) -> None:
    run = await begin(temporal, table("lasts", 1, (await upstream()).address))
    process = live()
    await ready(process)
    await has(process, "lasts", 1)
    saved = tmp_path / "proxy" / "last-good.json"
    await eventually(lambda: saved.exists() and "lasts" in saved.read_text())
    assert saved.stat().st_mode & 0o777 == 0o600

    await api.close()
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert await ask(process, "lasts") == 200
        process.process.kill()
        process.process.wait()
        process.manage.close()
        process = live()
        await ready(process)
        assert await ask(process, "lasts") == 200
        assert await ask(process, "lasts", token="bad") == 401
        await eventually(lambda: "perdure_proxy_api_up 0.0" in process.manage.get("/metrics").text)
    finally:
        server.process.send_signal(signal.SIGCONT)
    await api.start(tmp_path / "run" / "internal.sock")
    await run.signal("publish", table("lasts", 2, (await upstream()).address))
    await has(process, "lasts", 2)
    await eventually(lambda: "perdure_proxy_api_up 1.0" in process.manage.get("/metrics").text)
    await run.signal("end")


async def test_routes_that_others_write_are_not_followed(
    temporal: Temporal, codec: PublicCodec, api: FakeApi, live: Live, upstream: Start
) -> None:
    address = (await upstream()).address
    process = live()
    await ready(process)
    run = await begin(temporal, table("ours", 1, address))
    await has(process, "ours", 1)
    forger = await when_ready(SealingCodec(fixed(bytes(32)), fixed(bytes(32))))
    await forger.get_workflow_handle(run_id("main", "ours")).signal(
        "publish", table("ours", 2, "tcp://127.0.0.1:1")
    )
    memo = {ROUTE_MEMO: table("forged", 1, address)}
    ids = [run_id("main", "forged"), run_id("main", "other")]
    strangers = [
        await client.start_workflow("Stranger", id=workflow, task_queue="nobody", memo=memo)
        for client, workflow in zip((forger, temporal), ids, strict=True)
    ]
    await api.say(Feed(seq=2, started=(*applied("forged"), *applied("other"))))
    await eventually(partial(has_read, process, 2))
    await run.signal("publish", table("ours", 3, address))
    await has(process, "ours", 3)
    assert list(process.stats().tables) == ["main/ours"]
    assert await ask(process, "ours") == 200
    await run.signal("end")
    for each in strangers:
        await each.terminate()


async def test_a_token_expires_with_the_api_away_and_also_after_a_restart(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start, tmp_path: Path
) -> None:
    run = await begin(temporal, table("expires", 1, (await upstream()).address))
    process = live()
    await ready(process)
    await has(process, "expires", 1)
    soon = datetime.now(UTC) + timedelta(seconds=6)
    grants = tuple(
        TokenGrant(sha256=sha256(each).hexdigest(), projects=("main",), expires_at=soon)
        for each in (b"brief", b"unused")
    )
    await api.say(Feed(seq=2, full=True, tokens=(*TOKENS, *grants)))
    await eventually(partial(has_read, process, 2))
    assert await ask(process, "expires", token="brief") == 200
    saved = tmp_path / "proxy" / "last-good.json"
    await eventually(lambda: saved.exists() and grants[1].sha256 in saved.read_text())
    await api.close()
    client = await process.connect()
    raw = head("expires").replace(b"good", b"brief")

    async with asyncio.timeout(20):
        while (await client.send(raw)).status == 200:
            await asyncio.sleep(0.05)
    assert datetime.now(UTC) >= soon
    assert (await client.send(raw)).status == 401
    client.writer.close()
    await client.writer.wait_closed()

    process.process.kill()
    process.process.wait()
    process.manage.close()
    process = live()
    await ready(process)
    await has(process, "expires", 1)
    assert await ask(process, "expires", token="brief") == 401
    assert await ask(process, "expires", token="unused") == 401
    assert await ask(process, "expires") == 200
    await run.signal("end")


async def test_the_table_is_repaired_from_the_list(
    temporal: Temporal, api: FakeApi, live: Live
) -> None:
    process = live()
    await ready(process)
    run = await begin(temporal, table("listed", 1))
    await has(process, "listed", 1)
    await run.terminate()
    await has(process, "listed", None)


async def test_scopes_outlive_a_restart_with_the_api_away_and_end_with_the_token(
    temporal: Temporal, api: FakeApi, live: Live, upstream: Start, tmp_path: Path
) -> None:
    address = (await upstream()).address
    runs = [await begin(temporal, table(name, 1, address)) for name in ("mine", "theirs")]
    narrow = TokenGrant(sha256=sha256(b"narrow").hexdigest(), services=("main/mine",))
    await api.say(Feed(seq=2, full=True, tokens=(*TOKENS, narrow)))
    process = live()
    await ready(process)
    for name in ("mine", "theirs"):
        await has(process, name, 1)
    await eventually(partial(has_read, process, 2))
    assert [await ask(process, name, token="narrow") for name in ("mine", "theirs")] == [200, 403]
    saved = tmp_path / "proxy" / "last-good.json"
    await eventually(lambda: saved.exists() and narrow.sha256 in saved.read_text())
    await api.close()

    process.process.kill()
    process.process.wait()
    process.manage.close()
    (tmp_path / "run" / "internal.sock").unlink(missing_ok=True)
    process = live()
    await ready(process)
    assert [await ask(process, name, token="narrow") for name in ("mine", "theirs")] == [200, 403]
    await api.start(tmp_path / "run" / "internal.sock")
    await api.say(Feed(seq=3, full=True, tokens=TOKENS, revoked=(narrow.sha256,)))
    await eventually(partial(has_read, process, 3))
    assert await ask(process, "mine", token="narrow") == 401
    for run in runs:
        await run.signal("end")


async def test_a_long_poll_that_is_cut_off_is_not_told_as_an_outage(
    temporal: Temporal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = await begin(temporal, table("cut", 1))
    cuts, poll = 3, WorkflowHandle.fetch_history_events

    def cut_off(handle: WorkflowHandle[object, object], *, wait_new_event: bool) -> object:
        nonlocal cuts
        cuts -= 1
        if cuts >= 0:
            raise RPCError("operation was canceled", RPCStatusCode.CANCELLED, b"")
        return poll(handle, wait_new_event=wait_new_event)

    monkeypatch.setattr(WorkflowHandle, "fetch_history_events", cut_off)
    monkeypatch.setattr("proxy.reader.AGAIN_SECONDS", 0.01)
    plane, state = Plane(tunnels=tmp_path, limits=Limits()), State()
    reader = RouteReader(temporal, plane, state)
    reader.follow("main", "cut")
    await eventually(lambda: cuts < 0)
    await run.signal("publish", table("cut", 2))
    await eventually(lambda: [route.version for route in plane.table.routes()] == [2])
    await reader.close()
    await run.signal("end")
    assert state.temporal_up is True
    assert [record.message for record in caplog.records if record.name == "proxy.reader"] == []
