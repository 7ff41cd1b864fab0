"""The logs of runs: lines in chunks, numbered along all lives of a run's name."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from spec.log import LogBatch
from spec.public import Model
from spec.submission import LogLine
from store.database import Database
from store.locks import Lock
from store.log_lines import Begun, Line, assemble, finish, pack, pack_begun, unpack, unpack_begun
from store.metrics import LOG_BYTES, LOG_LINES
from store.tables import log_chunks, log_runs, log_streams
from store.upsert import insert_into

CHUNKS_AT_ONCE = 64
POLL_SECONDS = 0.15
"""The collector is another process: a follower asks this often, which costs one index look-up."""


class LogSource(Model):
    """One replica's log. `key` is the replica's id, `replica` its number."""

    key: str
    project: str
    run: str
    incarnation: str
    replica: int


class Appended(Model):
    """How many entries of the source are stored; with `over_quota`, the last ones are not.

    `overtaken`: another collector was here; nothing was stored, and `Logs.cursor` says from where
    to go on.
    """

    entries: int
    over_quota: bool = False
    overtaken: bool = False


class LogPage(Model):
    """Some lines, and the number to read after next: lines in between did not match."""

    lines: tuple[LogLine, ...]
    upto: int


class LogFilter(Model):
    """Which lines of a run: of one life, one replica, not before a time. None: all."""

    incarnation: str | None = None
    replica: int | None = None
    since: datetime | None = None

    @property
    def since_ns(self) -> int:
        """`since` in nanoseconds since the epoch."""
        return 0 if self.since is None else int(self.since.timestamp() * 1e9)


class Logs:
    """All runs' logs, up to `quota` bytes for each life of a run.

    What is stored counts: a line's text, and the 31 bytes or so that its time, its stream and the
    marks around them have in a chunk. So empty lines count, too.
    """

    def __init__(self, database: Database, quota: int) -> None:
        self._database = database
        self._quota = quota

    async def cursor(self, key: str) -> str:
        """Where to go on collecting; empty for the start."""
        found = select(log_streams.c.cursor).where(log_streams.c.key == key)
        async with self._database.read() as connection:
            return await connection.scalar(found) or ""

    async def append(self, source: LogSource, batch: LogBatch, *, after: str) -> Appended:
        """Store entries and cursor, both or neither. Over the quota nothing more is stored.

        `after` is the cursor at which the batch begins. A worker that is thought to be gone may
        still collect: who comes second finds another cursor, and stores nothing twice.
        """
        async with self._alone(source) as connection:
            stream = await _stream(connection, source)
            if stream.cursor != after:
                return Appended(entries=stream.entries, overtaken=True)
            if await self._is_over_quota(connection, source):
                return Appended(entries=stream.entries, over_quota=True)
            lines, begun = assemble(unpack_begun(stream.begun), batch.entries)
            entries = stream.entries + len(batch.entries)
            size = await _store(connection, source, lines)
            await connection.execute(
                update(log_streams)
                .where(log_streams.c.key == source.key)
                .values(
                    cursor=batch.cursor,
                    entries=entries,
                    bytes=stream.bytes + size,
                    begun=pack_begun(begun),
                )
            )
        return Appended(entries=entries)

    async def finish(self, source: LogSource, *, after: str) -> Appended:
        """The source has ended at the cursor `after`: a last line without an end is one, too."""
        async with self._alone(source) as connection:
            stream = await _stream(connection, source)
            if stream.cursor != after:
                return Appended(entries=stream.entries, overtaken=True)
            size = await _store(connection, source, finish(unpack_begun(stream.begun)))
            await connection.execute(
                update(log_streams)
                .where(log_streams.c.key == source.key)
                .values(bytes=stream.bytes + size, begun=pack_begun({}))
            )
        return Appended(entries=stream.entries)

    async def read(
        self, project: str, run: str, *, after: int, limit: int, only: LogFilter | None = None
    ) -> LogPage:
        """Up to `limit` lines after number `after`, in the order in which they were stored."""
        only = only or LogFilter()
        found: list[LogLine] = []
        upto = after
        while len(found) < limit:
            chunks = await self._chunks(project, run, upto, only)
            for chunk in chunks:
                for line in unpack(chunk.lines, chunk.first_id, chunk.replica):
                    if line.id > upto and len(found) < limit:
                        upto = line.id
                        if _is_of(line, only):
                            found.append(line)
            if len(chunks) < CHUNKS_AT_ONCE:
                break
        return LogPage(lines=tuple(found), upto=upto)

    async def tail(
        self, project: str, run: str, *, count: int, only: LogFilter | None = None
    ) -> tuple[LogLine, ...]:
        """The last `count` lines, in the order in which they were stored."""
        only = only or LogFilter()
        found: list[LogLine] = []
        before: int | None = None
        while len(found) < count:
            most = min(count, CHUNKS_AT_ONCE)  # each has a line at least
            chunks = await self._last_chunks(project, run, before, only, most)
            for chunk in chunks:
                lines = unpack(chunk.lines, chunk.first_id, chunk.replica)
                found = [*(each for each in lines if _is_of(each, only)), *found]
                before = chunk.first_id
            if len(chunks) < most:
                break
        return tuple(found[-count:])

    async def last_id(self, project: str, run: str) -> int:
        """The number of the newest line; 0 when there is none."""
        found = select(log_runs.c.last_id).where(
            log_runs.c.project == project, log_runs.c.run == run
        )
        async with self._database.read() as connection:
            return int(await connection.scalar(found) or 0)

    async def latest_incarnation(self, project: str, run: str) -> str | None:
        """The life of the run that logged last; None when none did."""
        newest = select(log_chunks.c.incarnation).where(*_of(project, run))
        async with self._database.read() as connection:
            found: str | None = await connection.scalar(
                newest.order_by(log_chunks.c.last_id.desc()).limit(1)
            )
            return found

    async def wait(self, project: str, run: str, *, beyond: int, seconds: float) -> None:
        """Return when there is a line after number `beyond`, or when the time is over."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while await self.last_id(project, run) <= beyond and clock() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)

    def _alone(self, source: LogSource) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lines are numbered, and the quota is looked at, by one collector of a run at a time."""
        return self._database.write(Lock.LOG.of(source.project, source.run))

    async def _chunks(
        self, project: str, run: str, after: int, only: LogFilter
    ) -> list[Row[tuple[object, ...]]]:
        query = _chosen(project, run, only).where(log_chunks.c.last_id > after)
        async with self._database.read() as connection:
            ordered = query.order_by(log_chunks.c.last_id).limit(CHUNKS_AT_ONCE)
            return list((await connection.execute(ordered)).all())

    async def _last_chunks(
        self, project: str, run: str, before: int | None, only: LogFilter, most: int
    ) -> list[Row[tuple[object, ...]]]:
        query = _chosen(project, run, only)
        if before is not None:
            query = query.where(log_chunks.c.last_id < before)
        async with self._database.read() as connection:
            ordered = query.order_by(log_chunks.c.last_id.desc()).limit(most)
            return list((await connection.execute(ordered)).all())

    async def _is_over_quota(self, connection: AsyncConnection, source: LogSource) -> bool:
        used = select(func.sum(log_streams.c.bytes)).where(
            log_streams.c.project == source.project,
            log_streams.c.run == source.run,
            log_streams.c.incarnation == source.incarnation,
        )
        return int(await connection.scalar(used) or 0) >= self._quota


def _chosen(project: str, run: str, only: LogFilter) -> Select[tuple[object, ...]]:
    """The chunks that may have lines of this kind."""
    terms = [*_of(project, run)]
    if only.incarnation is not None:
        terms.append(log_chunks.c.incarnation == only.incarnation)
    if only.replica is not None:
        terms.append(log_chunks.c.replica == only.replica)
    if only.since is not None:
        terms.append(log_chunks.c.last_at >= only.since_ns)
    return select(log_chunks).where(*terms)


def _of(project: str, run: str) -> tuple[ColumnElement[bool], ...]:
    return (log_chunks.c.project == project, log_chunks.c.run == run)


def _is_of(line: LogLine, only: LogFilter) -> bool:
    return only.since is None or line.at >= only.since


async def _stream(connection: AsyncConnection, source: LogSource) -> Row[tuple[object, ...]]:
    found = select(log_streams).where(log_streams.c.key == source.key)
    row = (await connection.execute(found)).first()
    if row is not None:
        return row
    nothing: Begun = {}
    empty = {"cursor": "", "entries": 0, "bytes": 0, "begun": pack_begun(nothing)}
    await connection.execute(insert(log_streams).values(source.model_dump() | empty))
    return (await connection.execute(found)).one()


async def _store(connection: AsyncConnection, source: LogSource, lines: Iterable[Line]) -> int:
    """Number the lines and write them as one chunk; its size in bytes."""
    lines = list(lines)
    if not lines:
        return 0
    chunk = pack(lines)
    last_id = await _advance(connection, source, len(lines))
    await connection.execute(
        insert(log_chunks).values(
            source.model_dump(exclude={"key"})
            | {
                "first_id": last_id - len(lines) + 1,
                "last_id": last_id,
                "last_at": max(line.at for line in lines),
                "lines": chunk,
            }
        )
    )
    LOG_LINES.inc(len(lines))
    LOG_BYTES.inc(len(chunk))
    return len(chunk)


async def _advance(connection: AsyncConnection, source: LogSource, lines: int) -> int:
    """The number of the last of so many new lines."""
    new = insert_into(connection, log_runs).values(
        project=source.project, run=source.run, last_id=lines
    )
    counted = new.on_conflict_do_update(
        index_elements=[log_runs.c.project, log_runs.c.run],
        set_={"last_id": log_runs.c.last_id + new.excluded.last_id},
    )
    return int(await connection.scalar(counted.returning(log_runs.c.last_id)) or 0)
