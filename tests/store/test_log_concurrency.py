"""What several processes do with one log at the same time."""

import asyncio

from spec.log import LogBatch, LogEntry, LogStream
from store.logs import LogSource
from store.store import Store
from tests.store.conftest import ROUNDS, RUN


class TestLogs:
    async def test_two_workers_at_the_same_log_lose_and_double_no_line(
        self, stores: tuple[Store, ...]
    ) -> None:
        written = [f"line {n}" for n in range(60)]
        await asyncio.gather(
            *(collect(store, written, size=n + 1) for n, store in enumerate(stores))
        )
        page = await stores[0].logs.read(*RUN, after=0, limit=1000)
        assert [line.text for line in page.lines] == written
        assert [line.id for line in page.lines] == list(range(1, len(written) + 1))

    async def test_a_line_that_is_cut_short_comes_once(self, stores: tuple[Store, ...]) -> None:
        written = ["a", "b", "c"]
        await asyncio.gather(*(collect(store, written, size=1, partial=True) for store in stores))
        page = await stores[0].logs.read(*RUN, after=0, limit=1000)
        assert [line.text for line in page.lines] == ["abc"]

    async def test_numbers_have_no_gap_and_a_reader_misses_none(
        self, stores: tuple[Store, ...]
    ) -> None:
        *writers, reader = stores
        total = len(writers) * ROUNDS * 2

        async def write(number: int, store: Store) -> None:
            cursor = ""
            for n in range(ROUNDS):
                await store.logs.append(source(number), batch(["x", "y"], str(n)), after=cursor)
                cursor = str(n)

        async def read() -> list[int]:
            ids: list[int] = []
            while len(ids) < total:
                page = await reader.logs.read(*RUN, after=ids[-1] if ids else 0, limit=1000)
                ids.extend(line.id for line in page.lines)
            return ids

        async with asyncio.timeout(60):
            ids, *_ = await asyncio.gather(read(), *(write(n, s) for n, s in enumerate(writers)))
        assert ids == list(range(1, total + 1))

    async def test_the_quota_counts_for_all_replicas_together(
        self, stores: tuple[Store, ...]
    ) -> None:
        most = "x" * 600 * 1024  # of the 1 MB of these settings: the second one is over
        stored = await asyncio.gather(
            *(
                store.logs.append(source(number), batch([most], "1"), after="")
                for number, store in enumerate(stores)
            )
        )
        assert sorted(each.over_quota for each in stored) == [False, False, True, True]


def source(replica: int = 0) -> LogSource:
    key = f"run/main/app/life/r{replica}-g1"
    return LogSource(key=key, project="main", run="app", incarnation="life", replica=replica)


def batch(texts: list[str], cursor: str, *, partial: bool = False) -> LogBatch:
    entries = tuple(
        LogEntry(at=n, stream=LogStream.STDOUT, text=text.encode(), partial=partial)
        for n, text in enumerate(texts)
    )
    return LogBatch(entries=entries, cursor=cursor)


async def collect(store: Store, written: list[str], *, size: int, partial: bool = False) -> None:
    """As the activity does: from the stored cursor on, and again from there when overtaken."""
    while True:
        cursor = await store.logs.cursor(source().key)
        for at in range(int(cursor or 0), len(written), size):
            texts = written[at : at + size]
            new = batch(texts, str(at + len(texts)), partial=partial)
            if (await store.logs.append(source(), new, after=cursor)).overtaken:
                break
            cursor = new.cursor
        else:
            if not (await store.logs.finish(source(), after=cursor)).overtaken:
                return
