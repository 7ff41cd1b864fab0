"""What the proxy says of an internal API that is away."""

import asyncio
from collections.abc import Collection
from pathlib import Path

import httpx
import pytest

from perdure.errors import CannotStart
from perdure.keys import create_secret
from proxy import feed
from proxy.feed import FeedReader, InternalApi
from proxy.limits import Limits
from proxy.plane import Plane
from proxy.state import State
from spec.feed import RunStarted
from tests.testbed.deadline import eventually


async def introduce(_: Collection[RunStarted]) -> None:
    """Nobody comes."""


async def tried(times: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask so many times, in vain."""
    tries, enough = 0, asyncio.Event()

    def missing(_: InternalApi) -> None:
        nonlocal tries
        tries += 1
        if tries > times:
            enough.set()
        raise httpx.ConnectError("Nobody is there.")

    monkeypatch.setattr(feed, "AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(InternalApi, "client", missing)
    api = InternalApi("unix:///nowhere", folder / "internal.key")
    plane = Plane(tunnels=folder, limits=Limits())
    reading = asyncio.create_task(FeedReader([api], plane, State(), "", introduce).run())
    async with asyncio.timeout(10):
        await enough.wait()
    reading.cancel()
    await asyncio.wait({reading})


async def test_one_that_comes_a_moment_later_is_no_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await tried(3, tmp_path, monkeypatch)
    assert not caplog.records


async def test_one_that_stays_away_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed, "PATIENCE_SECONDS", 0.0)
    await tried(5, tmp_path, monkeypatch)
    assert [record.getMessage() for record in caplog.records] == [
        "The internal API is away: Nobody is there."
    ]


async def test_a_key_that_others_can_read_by_now_is_not_sent_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = tmp_path / "internal.key"
    key.write_text("key")
    key.chmod(0o644)
    api = InternalApi("unix:///nowhere", key)
    with pytest.raises(CannotStart, match="can be read by others"):
        api.client()
    monkeypatch.setattr(feed, "PATIENCE_SECONDS", 0.0)
    plane = Plane(tunnels=tmp_path, limits=Limits())
    reading = asyncio.create_task(FeedReader([api], plane, State(), "", introduce).run())
    await eventually(lambda: bool(caplog.records))
    assert "can be read by others" in caplog.text
    reading.cancel()
    await asyncio.wait({reading})


async def test_a_reader_that_is_ended_in_the_moment_of_a_failure_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, failing = asyncio.Event(), asyncio.Event()

    async def read(_: FeedReader, __: httpx.AsyncClient) -> None:
        begun.set()
        await failing.wait()
        raise httpx.ConnectError("gone")

    async def renew(_: FeedReader, __: httpx.AsyncClient) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(FeedReader, "_read", read)
    monkeypatch.setattr(FeedReader, "_renew", renew)
    key = tmp_path / "internal.key"
    create_secret(key, b"key")
    plane = Plane(tunnels=tmp_path, limits=Limits())
    api = InternalApi("unix:///nowhere", key)
    reading = asyncio.create_task(FeedReader([api], plane, State(), "", introduce).run())
    await begun.wait()
    failing.set()
    reading.cancel()
    done, _ = await asyncio.wait({reading}, timeout=10)
    assert done
    assert reading.cancelled()
