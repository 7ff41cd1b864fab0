"""What goes on while Temporal, an API or both are away, and after a restart in the meantime."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from temporalio.client import Client as Temporal
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from engine.ids import Message
from proxy.limits import Limits
from proxy.plane import Plane
from proxy.reader import RouteReader
from proxy.state import State
from spec.feed import Feed
from spec.route import TokenGrant
from tests.proxy.conftest import Live
from tests.proxy.fake_api import FakeApi
from tests.proxy.following import applied, ask, begin, has, has_read, ready, table
from tests.proxy.running import TOKENS, head
from tests.proxy.temporal_server import TemporalServer
from tests.proxy.upstream import Upstream
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]


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


@pytest.mark.long
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
