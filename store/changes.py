"""The feed's sequence: what changed for the proxies, numbered in the order of its commits.

A change says only *whose* grants changed, so that whoever reads late sees the newest state once.
"""

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from spec.feed import Feed, RunStarted
from spec.people import GlobalRole
from spec.route import TokenGrant
from spec.scopes import narrowed
from store.database import Database
from store.locks import Lock, require
from store.tables import changes, members, projects, tokens, users

KEPT = 10_000
"""Changes that are kept; a proxy that missed more gets everything anew."""

RECENT = 100
"""Runs applied last, named to a proxy that begins: Temporal's list may not have them yet."""


class ChangeKind(StrEnum):
    """What the subject of a change is."""

    USER = "user"
    REVOKED = "revoked"
    RUN = "run"


async def record(connection: AsyncConnection, kind: ChangeKind, subjects: Iterable[str]) -> int:
    """Write changes in the transaction that makes them; the sequence number of the last.

    It holds `Lock.FEED`: a change that commits after one with a later number would be missed.
    """
    require(connection, Lock.FEED)
    seq = 0
    for subject in subjects:
        done = await connection.execute(insert(changes).values(kind=kind, subject=subject))
        seq = int(done.inserted_primary_key[0]) if done.inserted_primary_key else 0
    await connection.execute(delete(changes).where(changes.c.seq <= seq - KEPT))
    return seq


class Changes:
    """The feed of the internal API."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_started(self, project: str, run: str) -> int:
        """A run was applied: proxies are to follow it."""
        async with self._database.write(Lock.FEED) as connection:
            return await record(connection, ChangeKind.RUN, [f"{project}/{run}"])

    async def latest(self) -> int:
        """The newest sequence number; 0 before the first change."""
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.max(changes.c.seq))) or 0)

    @property
    def next_commit(self) -> asyncio.Event:
        """Set when this process has written something, whatever; take it before a look."""
        return self._database.next_commit

    async def feed(self, after: int) -> Feed:
        """All since `after`; everything when that is 0, from another database, or too long ago."""
        async with self._database.read() as connection:
            bounds = select(func.min(changes.c.seq), func.max(changes.c.seq))
            first, last = (await connection.execute(bounds)).one()
            if last is None or not first - 1 <= after <= last or after == 0:
                grants = await self._grants(connection, None)
                runs = select(changes).where(changes.c.kind == ChangeKind.RUN)
                recent = runs.order_by(changes.c.seq.desc()).limit(RECENT)
                rows = (await connection.execute(recent)).all()
                return Feed(seq=last or 0, full=True, tokens=grants, started=_runs(rows))
            newer = select(changes).where(changes.c.seq > after).order_by(changes.c.seq)
            rows = (await connection.execute(newer)).all()
            grants = await self._grants(connection, _subjects(rows, ChangeKind.USER))
        valid = {grant.sha256 for grant in grants}
        revoked = (each for each in _subjects(rows, ChangeKind.REVOKED) if each not in valid)
        return Feed(
            seq=last,
            tokens=grants,
            revoked=tuple(revoked),
            started=_runs(rows),
        )

    async def _grants(
        self, connection: AsyncConnection, names: tuple[str, ...] | None
    ) -> tuple[TokenGrant, ...]:
        """What the tokens of these users (None: of all) open, as far as their scopes go.

        An admin's projects are all that there are.
        """
        now = self._database.clock()
        columns = (tokens.c.sha256, tokens.c.expires_at, tokens.c.scopes)
        holders = (
            select(*columns, users.c.name, users.c.role)
            .join(users, users.c.name == tokens.c.user)
            .where(tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now))
        )
        if names is not None:
            holders = holders.where(users.c.name.in_(names))
        living = select(projects.c.name).where(projects.c.deleted_at.is_(None))
        every = tuple(await connection.scalars(living.order_by(projects.c.name)))
        own: dict[str, tuple[str, ...]] = {}
        listed = select(members.c.user, members.c.project).order_by(members.c.project)
        for row in await connection.execute(listed):
            own[row.user] = (*own.get(row.user, ()), row.project)
        return tuple(
            _grant(row, every if GlobalRole(row.role).administers else own.get(row.name, ()))
            for row in await connection.execute(holders)
        )


def _grant(row: Row[*tuple[Any, ...]], open_to_user: tuple[str, ...]) -> TokenGrant:
    whole, single = narrowed(row.scopes.split(), open_to_user)
    return TokenGrant(sha256=row.sha256, projects=whole, services=single, expires_at=row.expires_at)


def _subjects(rows: Iterable[Row[tuple[object, ...]]], kind: ChangeKind) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.subject for row in rows if row.kind == kind))


def _runs(rows: Iterable[Row[tuple[object, ...]]]) -> tuple[RunStarted, ...]:
    names = (subject.split("/", 1) for subject in _subjects(rows, ChangeKind.RUN))
    return tuple(RunStarted(project=project, run=run) for project, run in names)
