import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from api.event_stream import Event, EventStream
from api.open_streams import MOST, OpenStreams
from perdure.errors import Unavailable
from spec.log import LogBatch, LogEntry, LogStream
from spec.run_status import RunStatus
from spec.status import RunPhase
from store.logs import LogSource
from store.store import Store
from tests.api.fake_runs import FakeRuns, run_status
from tests.store.conftest import Clock

SOURCE = LogSource(key="r0", project="main", run="app", incarnation="life1", replica=0)
LOGS = "/projects/main/runs/app/logs"


async def log(store: Store, clock: Clock, *texts: str, replica: int = 0) -> None:
    at = int(clock.now.timestamp() * 1e9)
    entries = tuple(LogEntry(at=at, stream=LogStream.STDOUT, text=text.encode()) for text in texts)
    source = SOURCE.model_copy(update={"key": f"r{replica}", "replica": replica})
    await store.logs.append(source, LogBatch(entries=entries, cursor=""), after="")


async def events(
    client: httpx.AsyncClient, path: str, **params: str | int
) -> AsyncIterator[ServerSentEvent]:
    async with aconnect_sse(client, "GET", path, params=params) as source:
        async for event in source.aiter_sse():
            yield event


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


class WatchedRuns(FakeRuns):
    """Counts its watches, which may break."""

    def __init__(self) -> None:
        super().__init__()
        self.watching = self.begun = 0
        self.breaks = False

    async def watch(self, project: str, run: str, pause: float = 0.01) -> AsyncIterator[RunStatus]:
        self.watching, self.begun = self.watching + 1, self.begun + 1
        last = None
        try:
            while last is None or not last.status.is_final:
                if self.breaks:
                    raise Unavailable("Temporal does not answer.")
                if self.known[project, run] != last:
                    last = self.known[project, run]
                    yield last
                await asyncio.sleep(pause)
        finally:
            self.watching -= 1


@pytest.fixture
def runs() -> WatchedRuns:
    return WatchedRuns()


def texts(answer: httpx.Response) -> list[str]:
    return [line["text"] for line in answer.json()]


class TestLogs:
    async def test_are_read_in_pages(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store, clock: Clock
    ) -> None:
        runs.know(run_status())
        await log(store, clock, *"abcde")
        page = await alice.get(LOGS, params={"limit": 2})
        assert texts(page) == ["a", "b"]
        rest = await alice.get(LOGS, params={"after": page.json()[-1]["id"]})
        assert texts(rest) == ["c", "d", "e"]

    async def test_begin_with_the_last_ones_unless_asked_for_what_comes_after_a_line(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store, clock: Clock
    ) -> None:
        runs.know(run_status(phase=RunPhase.DONE))
        assert texts(await alice.get(LOGS, params={"tail": 2})) == []
        await log(store, clock, *"abcde")
        page = await alice.get(LOGS, params={"tail": 2})
        assert texts(page) == ["d", "e"]
        followed = [event async for event in events(alice, LOGS, follow="true", tail=2)]
        assert [event.id for event in followed if event.event == "log"] == ["4", "5"]
        assert texts(await alice.get(LOGS, params={"tail": 2, "after": 1})) == ["b", "c", "d", "e"]
        assert (await alice.get(LOGS, params={"tail": 0})).status_code == 422

    @pytest.mark.parametrize("since", ["30s", "30", "2026-11-25T12:00:30Z"])
    async def test_are_filtered_by_time_and_replica(
        self,
        since: str,
        alice: httpx.AsyncClient,
        runs: FakeRuns,
        store: Store,
        clock: Clock,
    ) -> None:
        runs.know(run_status())
        await log(store, clock, "early")
        clock.move(seconds=60)
        await log(store, clock, "late")
        await log(store, clock, "other", replica=1)
        assert texts(await alice.get(LOGS, params={"since": since})) == ["late", "other"]
        assert texts(await alice.get(LOGS, params={"since": since, "replica": 1})) == ["other"]

    async def test_since_nonsense_is_refused(
        self, alice: httpx.AsyncClient, runs: FakeRuns
    ) -> None:
        runs.know(run_status())
        assert (await alice.get(LOGS, params={"since": "yesterday"})).status_code == 422

    async def test_are_followed_to_the_end_and_resumed_after_any_line(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store, clock: Clock
    ) -> None:
        runs.know(run_status())
        await log(store, clock, "a", "b")
        seen: list[tuple[str, str]] = []

        async def follow(after: int, *, stop_at: int) -> None:
            async for event in events(alice, LOGS, follow="true", after=after):
                text = event.json()["text"] if event.event == "log" else ""
                seen.append((event.event, text))
                if len(seen) == stop_at:
                    return

        await follow(0, stop_at=1)
        rest = asyncio.create_task(follow(1, stop_at=99))
        await until(lambda: len(seen) == 2)
        await log(store, clock, "c")
        await until(lambda: len(seen) == 3)
        await log(store, clock, "d")
        runs.know(run_status(phase=RunPhase.DONE))
        await asyncio.wait_for(rest, 10)
        assert seen == [("log", "a"), ("log", "b"), ("log", "c"), ("log", "d"), ("end", "")]

    async def test_of_a_life_end_when_the_name_begins_another(
        self, alice: httpx.AsyncClient, runs: FakeRuns, store: Store, clock: Clock
    ) -> None:
        runs.know(run_status())
        await log(store, clock, "a")
        seen: list[str] = []

        async def follow() -> None:
            async for event in events(alice, LOGS, follow="true"):
                seen.append(event.event)  # noqa: PERF401 - looked at meanwhile

        following = asyncio.create_task(follow())
        await until(lambda: bool(seen))
        runs.know(run_status(incarnation="life2"))
        await asyncio.wait_for(following, 10)
        assert seen == ["log", "end"]

    async def test_are_still_there_when_temporal_has_forgotten_the_run(
        self, alice: httpx.AsyncClient, store: Store, clock: Clock
    ) -> None:
        await log(store, clock, "a")
        assert texts(await alice.get(LOGS)) == ["a"]
        followed = [event.event async for event in events(alice, LOGS, follow="true")]
        assert followed == ["log", "end"]


async def test_status_is_told_at_once_and_at_each_change_until_the_end(
    alice: httpx.AsyncClient, runs: FakeRuns
) -> None:
    runs.know(run_status(phase=RunPhase.PROVISIONING))
    seen = []
    async for event in events(alice, "/projects/main/runs/app/events"):
        seen.append((event.event, event.json()["status"]))
        runs.know(run_status(phase=RunPhase.RUNNING if len(seen) == 1 else RunPhase.TERMINATED))
    assert seen == [("status", "provisioning"), ("status", "running"), ("status", "terminated")]


class TestManyStreams:
    EVENTS = "/projects/main/runs/app/events"

    async def test_of_one_run_are_told_by_one_watcher_until_the_last_one_ends(
        self, alice: httpx.AsyncClient, runs: WatchedRuns
    ) -> None:
        runs.know(run_status(phase=RunPhase.PROVISIONING))
        heard: Counter[str] = Counter()

        async def follow(*, once: bool = False) -> None:
            async for event in events(alice, self.EVENTS):
                heard[event.json()["status"]] += 1
                if once:
                    return

        await follow(once=True)
        await until(lambda: not runs.watching)
        following = [asyncio.create_task(follow()) for _ in range(5)]
        await until(lambda: heard["provisioning"] == 6)
        assert (runs.watching, runs.begun) == (1, 2)
        await follow(once=True)
        assert (runs.watching, runs.begun) == (1, 2)
        runs.know(run_status(phase=RunPhase.DONE))
        await asyncio.wait_for(asyncio.gather(*following), 10)
        assert heard == {"provisioning": 7, "done": 5}
        assert runs.watching == 0

    async def test_of_a_watcher_that_fails_all_end(
        self, alice: httpx.AsyncClient, runs: WatchedRuns
    ) -> None:
        runs.know(run_status())
        heard: list[str] = []

        async def follow() -> None:
            async for event in events(alice, self.EVENTS):
                heard.append(event.event)  # noqa: PERF401 - looked at meanwhile

        following = [asyncio.create_task(follow()) for _ in range(3)]
        await until(lambda: len(heard) == 3)
        runs.breaks = True
        await asyncio.wait_for(asyncio.gather(*following), 10)
        runs.breaks = False
        runs.know(run_status(phase=RunPhase.DONE))
        await asyncio.wait_for(follow(), 10)
        assert len(heard) == 4

    async def test_more_than_a_token_may_have_are_refused_until_one_ends(
        self, alice: httpx.AsyncClient, admin: httpx.AsyncClient, runs: WatchedRuns
    ) -> None:
        runs.know(run_status())
        async with AsyncExitStack() as opened:
            first = await opened.enter_async_context(alice.stream("GET", self.EVENTS))
            for _ in range(MOST - 1):
                stream = alice.stream("GET", self.EVENTS)
                assert (await opened.enter_async_context(stream)).status_code == 200
            for path in (self.EVENTS, f"{LOGS}?follow=true"):
                refused = await alice.get(path)
                assert refused.status_code == 429
                assert f"has {MOST} streams of events open" in refused.json()["error"]["message"]
            async with admin.stream("GET", self.EVENTS) as other:
                assert other.status_code == 200
            await first.aclose()
            async with asyncio.timeout(10):
                while not await self.is_taken(alice):
                    await asyncio.sleep(0.01)

    async def is_taken(self, client: httpx.AsyncClient) -> bool:
        async with client.stream("GET", self.EVENTS) as answer:
            return answer.status_code == 200


async def allowed() -> bool:
    return True


async def test_of_a_caller_who_lost_access_ends(
    alice: httpx.AsyncClient,
    runs: FakeRuns,
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.event_stream.CHECK_SECONDS", 0)
    runs.know(run_status())
    await log(store, clock, "a")
    seen: list[str] = []

    async def follow() -> None:
        async for event in events(alice, LOGS, follow="true"):
            seen.append(event.data)  # noqa: PERF401 - looked at meanwhile

    following = asyncio.create_task(follow())
    await until(lambda: len(seen) == 1)
    await store.projects.remove_member("main", "alice")
    await log(store, clock, "b")
    await asyncio.wait_for(following, 10)
    assert len(seen) == 1


class TestEventStream:
    def pieces(
        self, events: AsyncIterator[Event], stopping: asyncio.Event, silence: float = 0.001
    ) -> AsyncIterator[bytes]:
        place = OpenStreams().of("a token")
        stream: Any = EventStream(events, stopping, allowed, place, silence).body_iterator
        return aiter(stream)

    async def late(self, release: asyncio.Event) -> AsyncIterator[Event]:
        await release.wait()
        yield Event(name="log", data="1", id="7")

    async def test_fills_silence_with_comments(self) -> None:
        release = asyncio.Event()
        stream = self.pieces(self.late(release), asyncio.Event())
        assert await anext(stream) == b": ping\n\n"
        release.set()
        rest = [piece async for piece in stream if piece != b": ping\n\n"]
        assert rest == [b"event: log\ndata: 1\nid: 7\n\n"]

    async def test_a_client_that_goes_away_does_not_cut_the_end_of_what_was_begun(self) -> None:
        asked, ended = asyncio.Event(), asyncio.Event()

        async def asking() -> AsyncIterator[Event]:
            yield Event(name="log", data="1")
            try:
                asked.set()
                await asyncio.Event().wait()
            finally:  # as the store gives a connection back
                await asyncio.sleep(0)
                ended.set()

        stream = self.pieces(asking(), asyncio.Event(), silence=60)
        assert await anext(stream)
        following = asyncio.ensure_future(anext(stream))
        await asked.wait()
        while not following.done():  # again and again, as a cancelled scope does
            following.cancel()
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await ended.wait()

    async def test_ends_when_the_process_stops(self) -> None:
        stopping = asyncio.Event()
        stream = self.pieces(self.late(asyncio.Event()), stopping, silence=60)
        stopping.set()
        assert [piece async for piece in stream] == []

    async def test_ends_quietly_when_temporal_goes_away(self) -> None:
        async def breaking() -> AsyncIterator[Event]:
            yield Event(name="log", data="1")
            raise Unavailable("Temporal does not answer.")

        stream = self.pieces(breaking(), asyncio.Event(), silence=60)
        assert [piece async for piece in stream] == [b"event: log\ndata: 1\n\n"]
