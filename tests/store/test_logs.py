import asyncio
from datetime import UTC, datetime

import pytest

from spec.log import LogBatch, LogEntry, LogStream
from store.logs import Appended, LogFilter, LogSource
from store.store import Store

SECOND = 1_000_000_000
START = int(datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()) * SECOND


def source(replica: int = 0, incarnation: str = "life1") -> LogSource:
    key = f"run/main/app/{incarnation}/r{replica}-g1"
    return LogSource(key=key, project="main", run="app", incarnation=incarnation, replica=replica)


def entry(
    text: str | bytes,
    *,
    second: int = 0,
    stream: LogStream = LogStream.STDOUT,
    partial: bool = False,
) -> LogEntry:
    raw = text.encode() if isinstance(text, str) else text
    return LogEntry(at=START + second * SECOND, stream=stream, text=raw, partial=partial)


def batch(*entries: LogEntry, cursor: str = "c") -> LogBatch:
    return LogBatch(entries=entries, cursor=cursor)


async def append(store: Store, given: LogSource, entries: LogBatch) -> Appended:
    """As a collector does that goes on wherever the source is."""
    while True:
        place = await store.logs.cursor(given.key)
        done = await store.logs.append(given, entries, after=place)
        if not done.overtaken:
            return done


async def finish(store: Store, where: LogSource) -> None:
    """As a collector does that has read all."""
    await store.logs.finish(where, after=await store.logs.cursor(where.key))


async def texts(store: Store, after: int = 0, only: LogFilter | None = None) -> list[str]:
    page = await store.logs.read("main", "app", after=after, limit=1000, only=only)
    return [line.text for line in page.lines]


async def test_entries_and_cursor_are_stored_together(store: Store) -> None:
    assert await store.logs.cursor(source().key) == ""
    stored = await append(store, source(), batch(entry("one\n"), entry("two\n"), cursor="7"))
    assert (stored.entries, stored.over_quota) == (2, False)
    assert await store.logs.cursor(source().key) == "7"
    assert await texts(store) == ["one", "two"]


async def test_of_two_collectors_one_is_overtaken_and_no_entry_is_doubled(store: Store) -> None:
    await store.logs.append(source(), batch(entry("one"), cursor="1"), after="")
    late = await store.logs.append(source(), batch(entry("one"), cursor="1"), after="")
    assert (late.overtaken, late.entries) == (True, 1)
    await store.logs.append(source(), batch(entry("two"), cursor="2"), after="1")
    assert await texts(store) == ["one", "two"]


async def test_numbers_grow_along_all_replicas_and_lives(store: Store) -> None:
    await append(store, source(0), batch(entry("a"), entry("b")))
    await append(store, source(1), batch(entry("c")))
    await append(store, source(0, "life2"), batch(entry("d")))
    page = await store.logs.read("main", "app", after=0, limit=10)
    assert [(line.id, line.text, line.replica) for line in page.lines] == [
        (1, "a", 0),
        (2, "b", 0),
        (3, "c", 1),
        (4, "d", 0),
    ]
    assert await store.logs.latest_incarnation("main", "app") == "life2"
    assert await store.logs.latest_incarnation("main", "other") is None


async def test_reading_goes_on_exactly_after_a_number(store: Store) -> None:
    await append(store, source(), batch(*(entry(str(n)) for n in range(10))))
    assert await texts(store, after=4) == ["4", "5", "6", "7", "8", "9"]
    page = await store.logs.read("main", "app", after=4, limit=2)
    assert ([line.text for line in page.lines], page.upto) == (["4", "5"], 6)


async def test_many_chunks_are_read_in_order(store: Store) -> None:
    for number in range(150):
        await append(store, source(), batch(entry(str(number))))
    assert await texts(store) == [str(number) for number in range(150)]
    nothing = LogFilter(since=datetime(2026, 11, 25, 13, tzinfo=UTC))
    assert await texts(store, only=nothing) == []


async def test_the_last_lines_are_found_from_the_end(store: Store) -> None:
    await append(store, source(1), batch(entry("other")))
    for number in range(150):
        await append(store, source(), batch(entry(f"{number}a"), entry(f"{number}b")))
    last = await store.logs.tail("main", "app", count=3)
    assert [(line.id, line.text) for line in last] == [(299, "148b"), (300, "149a"), (301, "149b")]
    every = await store.logs.tail("main", "app", count=1000, only=LogFilter(replica=0))
    assert [line.text for line in every[:2]] == ["0a", "0b"]
    assert len(every) == 300
    later = LogFilter(since=datetime(2026, 11, 25, 13, tzinfo=UTC))
    assert (await store.logs.tail("main", "app", count=3, only=later)) == ()


async def test_pieces_of_a_line_become_one_also_across_batches_and_streams(store: Store) -> None:
    smile = "☺".encode()
    await append(store, source(), batch(entry(b"a" + smile[:1], partial=True)))
    await append(store, source(), batch(entry("oops\n", stream=LogStream.STDERR)))
    await append(store, source(), batch(entry(smile[1:] + b"z\n", second=5)))
    page = await store.logs.read("main", "app", after=0, limit=10)
    assert [(line.text, line.stream) for line in page.lines] == [
        ("oops", LogStream.STDERR),
        ("a☺z", LogStream.STDOUT),
    ]
    assert page.lines[1].at == datetime(2026, 11, 25, 12, tzinfo=UTC)


async def test_last_line_without_an_end_comes_when_the_source_is_finished(store: Store) -> None:
    await append(store, source(), batch(entry("password: ", partial=True)))
    assert await texts(store) == []
    await finish(store, source())
    await finish(store, source())
    assert await texts(store) == ["password: "]


@pytest.mark.parametrize("raw", [b"\x00\x01", b"\xff\xfe", '"\\\u2028'.encode()])
async def test_strange_bytes_are_kept_readable(store: Store, raw: bytes) -> None:
    await append(store, source(), batch(entry(raw)))
    assert await texts(store) == [raw.decode(errors="replace")]


async def test_filters_by_replica_life_and_time(store: Store) -> None:
    await append(store, source(0), batch(entry("early"), entry("late", second=60)))
    await append(store, source(1), batch(entry("other", second=60)))
    await append(store, source(0, "life2"), batch(entry("new", second=90)))
    since = datetime(2026, 11, 25, 12, 1, tzinfo=UTC)
    assert await texts(store, only=LogFilter(replica=1)) == ["other"]
    assert await texts(store, only=LogFilter(incarnation="life2")) == ["new"]
    assert await texts(store, only=LogFilter(since=since, replica=0)) == ["late", "new"]


async def test_over_the_quota_nothing_more_is_stored_for_that_life(store: Store) -> None:
    megabyte = "x" * 1024 * 1024
    assert not (await append(store, source(), batch(entry(megabyte)))).over_quota
    over = await append(store, source(), batch(entry("more"), cursor="later"))
    assert over.over_quota
    assert await store.logs.cursor(source().key) == "c"
    assert (await append(store, source(1), batch(entry("more")))).over_quota
    assert not (await append(store, source(0, "life2"), batch(entry("more")))).over_quota


async def test_lines_without_text_count(store: Store) -> None:
    empty = batch(*[entry("\n")] * 10_000)
    appends = [await append(store, source(), empty) for _ in range(5)]
    assert [append.over_quota for append in appends] == [False] * 4 + [True]


async def test_a_line_counts_once_when_its_pieces_came_apart(store: Store) -> None:
    half = batch(entry("x" * 500_000, partial=True))
    assert not (await append(store, source(), half)).over_quota
    assert not (await append(store, source(), half)).over_quota
    await finish(store, source())
    await append(store, source(), batch(entry("x" * 100_000)))
    assert (await append(store, source(1), batch(entry("more")))).over_quota


async def test_a_follower_is_woken_by_a_new_line(store: Store) -> None:
    waiting = asyncio.create_task(store.logs.wait("main", "app", beyond=0, seconds=30))
    await append(store, source(), batch(entry("hello")))
    await asyncio.wait_for(waiting, timeout=5)
    assert await store.logs.last_id("main", "app") == 1


async def test_replicas_that_log_at_once_share_no_number(store: Store) -> None:
    async def collect(replica: int) -> None:
        for _ in range(5):
            await append(store, source(replica), batch(entry("a"), entry("b")))

    await asyncio.gather(*map(collect, range(4)))
    page = await store.logs.read("main", "app", after=0, limit=100)
    assert [line.id for line in page.lines] == list(range(1, 41))
