"""Decisions of runs, each once, and how the runs were then: so that each can be explained later."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, Select, Table, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from spec.decision import Decision, Rule
from spec.deeds import DecisionBatch
from spec.run_status import RunStatus
from spec.submission import DecisionView
from store.database import Database
from store.living import require_living
from store.locks import Lock
from store.metrics import DECISIONS
from store.tables import decisions, statuses
from store.upsert import insert_into, upsert

ROWS = 200
"""Of one statement: PostgreSQL takes 32,767 values in one, and SQLite 32,766."""


@dataclass(frozen=True)
class DecisionFilter:
    """Which decisions of a project: of one run, one life, one rule, from a time on, up to a time.

    `before` and `after` are numbers (`id`), which are in the order in which decisions were kept.
    """

    run: str | None = None
    incarnation: str | None = None
    rule: Rule | None = None
    since: datetime | None = None
    upto: datetime | None = None
    before: int | None = None
    after: int | None = None

    def terms(self, project: str) -> list[ColumnElement[bool]]:
        """What a row of the table fulfils."""
        of, terms = decisions.c, [decisions.c.project == project]
        if self.run is not None:
            terms.append(of.run == self.run)
        if self.incarnation is not None:
            terms.append(of.incarnation == self.incarnation)
        if self.rule is not None:
            terms.append(of.rule == self.rule)
        if self.since is not None:
            terms.append(of.at >= self.since)
        if self.upto is not None:
            terms.append(of.at <= self.upto)
        if self.before is not None:
            terms.append(of.id < self.before)
        if self.after is not None:
            terms.append(of.id > self.after)
        return terms


class Decisions:
    """All decisions, with the statuses that they led to. Only ever appended to."""

    def __init__(self, database: Database, kept: timedelta) -> None:
        """They are `kept` for so long; what was in force before that stays, too."""
        self._database = database
        self._kept = kept

    async def keep(self, batch: DecisionBatch) -> int:
        """Keep what was not told before, and the status; how many decisions were new.

        Raises `NotFound` when the project was deleted. Numbers are given in the order of the
        commits, for the transaction holds the project's lock: who follows them misses none.
        """
        async with self._database.write(Lock.PROJECT.of(batch.project)) as connection:
            await require_living(connection, batch.project)
            if batch.status is not None and batch.status_at is not None:
                status = batch.status.model_dump_json()
                row = _whose(batch) | {"at": batch.status_at, "status": status}
                await upsert(connection, statuses, row)
            kept = await _append(connection, batch)
        for rule in kept:
            DECISIONS.labels(rule).inc()
        return len(kept)

    async def read(
        self, project: str, limit: int, only: DecisionFilter = DecisionFilter()
    ) -> tuple[DecisionView, ...]:
        """The newest decisions in the project, newest first."""
        chosen = select(decisions).where(*only.terms(project))
        async with self._database.read() as connection:
            rows = await connection.execute(chosen.order_by(decisions.c.id.desc()).limit(limit))
            return tuple(_view(row) for row in rows)

    async def status_at(self, project: str, run: str, at: datetime) -> RunStatus | None:
        """How the run was at that time; None when nothing is known of it."""
        newest = _statuses_of(project, run).where(statuses.c.at <= at)
        async with self._database.read() as connection:
            found = await connection.execute(newest.order_by(statuses.c.at.desc()).limit(1))
            row = found.first()
        return None if row is None else RunStatus.model_validate_json(row.status)

    async def known_since(self, project: str, run: str) -> datetime | None:
        """The earliest time of which `status_at` knows something; None: there is none."""
        oldest = _statuses_of(project, run).order_by(statuses.c.at).limit(1)
        async with self._database.read() as connection:
            row = (await connection.execute(oldest)).first()
        return None if row is None else row.at

    async def expire(self) -> int:
        """Drop the decisions and statuses that were kept for long enough; how many decisions.

        Of each run the newest one of before stays: it was in force when what is kept begins.
        """
        over = self._database.clock() - self._kept
        gone = {table: _overtaken(table, over) for table in (decisions, statuses)}
        async with self._database.read() as connection:
            found = [
                await connection.scalar(select(table.c.run).where(term).limit(1))
                for table, term in gone.items()
            ]
        if not any(found):
            return 0
        async with self._database.write() as connection:
            await connection.execute(delete(statuses).where(gone[statuses]))
            return (await connection.execute(delete(decisions).where(gone[decisions]))).rowcount


def _overtaken(table: Table, over: datetime) -> ColumnElement[bool]:
    """Older than that, and not the newest of its run that is."""
    newer = table.alias()
    order = "id" if table is decisions else "at"
    return (table.c.at < over) & exists().where(
        newer.c.project == table.c.project,
        newer.c.run == table.c.run,
        newer.c[order] > table.c[order],
        newer.c.at < over,
    )


def _whose(batch: DecisionBatch) -> dict[str, str]:
    return {"project": batch.project, "run": batch.run, "incarnation": batch.incarnation}


def _statuses_of(project: str, run: str) -> Select[tuple[object, ...]]:
    return select(statuses).where(statuses.c.project == project, statuses.c.run == run)


async def _append(connection: AsyncConnection, batch: DecisionBatch) -> list[str]:
    """The rules of those that were new."""
    rows = [_whose(batch) | _row(decision) for decision in batch.decisions]
    once = [decisions.c[name] for name in ("project", "run", "incarnation", "number")]
    told: list[str] = []
    for begin in range(0, len(rows), ROWS):
        new = insert_into(connection, decisions).values(rows[begin : begin + ROWS])
        told += await connection.scalars(
            new.on_conflict_do_nothing(index_elements=once).returning(decisions.c.rule)
        )
    return told


def _row(decision: Decision) -> dict[str, object]:
    return {
        "number": decision.number,
        "at": decision.at,
        "rule": decision.rule,
        "outcome": decision.outcome.replace("\0", "\ufffd"),  # PostgreSQL takes none
        "inputs": json.dumps(decision.inputs),
        "rejected": json.dumps([each.model_dump() for each in decision.rejected]),
    }


def _view(row: Row[tuple[object, ...]]) -> DecisionView:
    told = {"inputs": json.loads(row.inputs), "rejected": json.loads(row.rejected)}
    return DecisionView.model_validate(row._asdict() | told)
