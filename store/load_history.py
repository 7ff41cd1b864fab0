"""How many requests came to each service, and for how long they were busy: for backtests.

1. Each reading of the proxies has what each has counted since its boot. What is more than at the
   reading before is added to the steps since then.
2. How far each proxy was counted is kept in the same transaction. So each arrival is counted once,
   whoever reads, and however many do.
3. Steps of 10 s become steps of a minute after two days. Steps without anything are not kept.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from spec.backtest import Trace, TraceRow
from spec.feed import ProxyStats
from store.database import Database
from store.locks import Lock
from store.tables import leases, load_counts, load_history, projects
from store.upsert import insert_into, upsert

FINE = 10
COARSE = 60
"""Seconds of a step, of the last days and of before."""

FINE_FOR = timedelta(days=2)

LONGEST_GAP = timedelta(days=1)
"""What came while nobody read belongs to at most so much time."""

FRESH = timedelta(seconds=60)
"""A proxy that is new within so much time after a reading was started after that."""

SETTLED = timedelta(seconds=3)
"""After the end of a step what came in it is known: a proxy has two seconds to tell."""

Service = tuple[str, str]
"""A project, and the name of a run in it."""


@dataclass
class Step:
    """What is to be added to one step: requests, and how long all those in flight were so."""

    arrived: int = 0
    busy_seconds: int = 0


class LoadHistory:
    """The loads of all services."""

    def __init__(self, database: Database, kept: timedelta) -> None:
        """They are `kept` for so long."""
        self._database = database
        self._kept = kept
        self._read_at: dict[str, datetime] = {}

    async def record(self, told: Mapping[str, ProxyStats], at: datetime) -> int:
        """Take in what the proxies told at that time, by boot; how many steps were written.

        Nothing is written when nothing has come and nothing is busy. Older readings than those
        that were taken in are left out: what they tell is known.
        """
        known = await self._counted()
        if not any(_is_news(stats, known.get(boot)) for boot, stats in told.items()):
            self._read_at = dict.fromkeys(told, at)
            return 0
        names = {_service(name)[0] for stats in told.values() for name in _active(stats)}
        locks = [Lock.PROJECT.of(name) for name in sorted(names)]
        async with self._database.write(Lock.LOAD, *locks) as connection:
            steps = await self._taken_in(connection, told, at)
            living = await _living(connection, names)
            rows = [
                {"project": service[0], "run": service[1], "second": second, "step": FINE}
                | vars(step)
                for (service, second), step in sorted(steps.items())
                if service[0] in living
            ]
            await _add(connection, rows)
        self._read_at = dict.fromkeys(told, at)
        return len(rows)

    async def trace(self, project: str, run: str, since: datetime, until: datetime) -> Trace | None:
        """When requests arrived in that time; None when none is known.

        Where the history is by the minute only, so is the whole trace.
        """
        step = FINE if since >= self._database.clock() - FINE_FOR else COARSE
        begin = _floor(since, step)
        seconds = max(step, _floor(until, step) - begin)
        at = load_history.c.second // step * step
        rows = (
            select(at.label("at"), func.sum(load_history.c.arrived).label("arrived"))
            .where(*_during(project, run, begin, begin + seconds))
            .group_by(at)
            .order_by(at)
        )
        async with self._database.read() as connection:
            found = (await connection.execute(rows)).all()
        if not any(row.arrived for row in found):
            return None
        told = tuple(TraceRow(int(row.at) - begin, int(row.arrived)) for row in found)
        return Trace(step=step, seconds=seconds, rows=told)

    async def service_time(
        self, project: str, run: str, since: datetime, until: datetime
    ) -> float | None:
        """How many seconds a request was on a replica on average; None when nothing is known.

        By Little's law: all the seconds in which requests were in flight, by their number.
        """
        sums = (func.sum(load_history.c.busy_seconds), func.sum(load_history.c.arrived))
        terms = _during(project, run, _floor(since, 1), _floor(until, 1))
        async with self._database.read() as connection:
            busy, arrived = (await connection.execute(select(*sums).where(*terms))).one()
        return float(busy) / float(arrived) if busy and arrived else None

    async def rate(self, project: str, run: str, seconds: int) -> float:
        """Requests per second over so many, which end with the last step that was read whole."""
        end = _floor(self._database.clock() - SETTLED, FINE)
        arrived = select(func.sum(load_history.c.arrived))
        async with self._database.read() as connection:
            found = await connection.scalar(
                arrived.where(*_during(project, run, end - seconds, end))
            )
        return float(found or 0) / seconds

    async def expire(self) -> int:
        """Make minutes of what is old, and drop what was kept for long enough; how many rows."""
        now = self._database.clock()
        old = (load_history.c.step == FINE) & (
            load_history.c.second < _floor(now - FINE_FOR, COARSE)
        )
        over = load_history.c.second < _floor(now - self._kept, COARSE)
        gone = load_counts.c.boot.not_in(select(leases.c.boot))
        silent = gone & (load_counts.c.at < now - LONGEST_GAP)
        async with self._database.read() as connection:
            found = [
                await connection.scalar(select(1).where(term).limit(1))
                for term in (old, over, silent)
            ]
        if not any(found):
            return 0
        async with self._database.write(Lock.LOAD) as connection:
            await connection.execute(delete(load_counts).where(silent))
            dropped = await connection.execute(delete(load_history).where(over))
            minute = load_history.c.second // COARSE * COARSE
            sums = (func.sum(load_history.c.arrived), func.sum(load_history.c.busy_seconds))
            key = (load_history.c.project, load_history.c.run)
            whole = select(*key, minute.label("second"), *sums).where(old).group_by(*key, minute)
            minutes = [
                {"project": project, "run": run, "second": int(second), "step": COARSE}
                | {"arrived": int(arrived), "busy_seconds": int(busy)}
                for project, run, second, arrived, busy in await connection.execute(whole)
            ]
            made = await connection.execute(delete(load_history).where(old))
            await _add(connection, minutes)
            return dropped.rowcount + made.rowcount

    async def _counted(self) -> dict[str, dict[str, int]]:
        async with self._database.read() as connection:
            rows = await connection.execute(select(load_counts))
            return {row.boot: json.loads(row.counts) for row in rows}

    async def _taken_in(
        self, connection: AsyncConnection, told: Mapping[str, ProxyStats], at: datetime
    ) -> dict[tuple[Service, int], Step]:
        """What these tell that is new, by service and step; from now on it is known."""
        rows = (await connection.execute(select(load_counts))).all()
        known = {row.boot: row for row in rows}
        last = max([*(row.at for row in rows), *self._read_at.values()], default=None)
        steps: dict[tuple[Service, int], Step] = defaultdict(Step)
        busy: dict[Service, int] = defaultdict(int)
        for boot, stats in told.items():
            before = known.get(boot)
            if before is not None and before.at >= at:
                continue
            counts = json.loads(before.counts) if before is not None else {}
            since = self._since(boot, None if before is None else before.at, last, at)
            for name, count in stats.arrived.items():
                if since is not None and count > counts.get(name, 0):
                    _spread(steps, _service(name), count - counts.get(name, 0), since, at)
            for name in _active(stats):
                busy[_service(name)] += stats.run_in_flight.get(name, 0)
            row = {"boot": boot, "at": at, "counts": json.dumps(stats.arrived)}
            await upsert(connection, load_counts, row)
        for service, count in busy.items():
            if count:
                steps[service, _steps(at, at)[-1]].busy_seconds = count * FINE
        return steps

    def _since(
        self, boot: str, counted_at: datetime | None, last: datetime | None, at: datetime
    ) -> datetime | None:
        """From when on the news of this proxy came; None: nobody knows.

        One that was never read was started since the last reading, if that is not long ago.
        """
        if counted_at is None:
            return last if last is not None and at - last <= FRESH else None
        return max(counted_at, self._read_at.get(boot, counted_at), at - LONGEST_GAP)


def _is_news(stats: ProxyStats, counted: Mapping[str, int] | None) -> bool:
    """A proxy that nobody has counted yet, too: from now on it is known."""
    return counted is None or stats.arrived != counted or any(stats.run_in_flight.values())


def _active(stats: ProxyStats) -> set[str]:
    return {*stats.arrived, *stats.run_in_flight}


def _service(name: str) -> Service:
    project, _, run = name.partition("/")
    return project, run


def _spread(
    steps: dict[tuple[Service, int], Step],
    service: Service,
    count: int,
    since: datetime,
    at: datetime,
) -> None:
    """As evenly as whole requests allow: nobody knows when they came."""
    seconds = _steps(since, at)
    for number, second in enumerate(seconds):
        share = count * (number + 1) // len(seconds) - count * number // len(seconds)
        if share:
            steps[service, second].arrived += share


def _steps(since: datetime, at: datetime) -> list[int]:
    """The steps between two readings; one at least, the one that is nearly over at `at`."""
    last = _floor(at - timedelta(seconds=FINE / 2), FINE)
    count = max(1, round((at - since).total_seconds() / FINE))
    return [last - FINE * back for back in range(count - 1, -1, -1)]


def _floor(at: datetime, step: int) -> int:
    return int(at.timestamp()) // step * step


def _during(project: str, run: str, begin: int, end: int) -> tuple[ColumnElement[bool], ...]:
    """The steps of a run that began in that time."""
    of = load_history.c
    return of.project == project, of.run == run, of.second >= begin, of.second < end


async def _living(connection: AsyncConnection, names: set[str]) -> set[str]:
    living = (projects.c.name.in_(names), projects.c.deleted_at.is_(None))
    return set(await connection.scalars(select(projects.c.name).where(*living)))


async def _add(connection: AsyncConnection, rows: list[dict[str, object]]) -> None:
    """Add to the steps that there are. Who else read in the same step saw the same ones busy."""
    if not rows:
        return
    insert = insert_into(connection, load_history)
    new, old = insert.excluded, load_history.c
    more = insert.on_conflict_do_update(
        index_elements=["project", "run", "second", "step"],
        set_={
            "arrived": old.arrived + new.arrived,
            "busy_seconds": case(
                (old.busy_seconds > new.busy_seconds, old.busy_seconds), else_=new.busy_seconds
            ),
        },
    )
    await connection.execute(more, rows)
