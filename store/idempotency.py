"""Idempotency keys: a request that comes twice does its work once and gets one answer."""

import uuid
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update

from perdure.errors import Conflict
from spec.public import Model
from store.database import Database
from store.living import require_living
from store.locks import Lock
from store.tables import idempotency
from store.upsert import insert_into

KEPT = timedelta(days=7)
"""How long a key is known: far longer than anybody repeats a request, and no longer than Temporal
can be asked what became of it."""


class Claim(Model):
    """A key in use: the request's own id, the run that it is about, and its answer if it has one.

    `is_new` is False for a repetition, whose first attempt may have got anywhere.
    """

    request: str
    run: str
    answer: str | None = None
    is_new: bool = False


class Idempotency:
    """All keys, of each user in each project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self,
        project: str,
        user: str,
        key: str,
        *,
        fingerprint: str,
        run: str,
        code: str | None = None,
    ) -> Claim:
        """Use the key, or find its earlier use. Raises `Conflict` when that was for something else.

        Raises `NotFound` when there is no such project. While a request is on its way, its project
        is not deleted: see `store.applies`.
        `fingerprint` tells requests apart; `run` and `code`, the SHA-256 (hex) of the archive that
        comes with it, count at the first use only.
        """
        claim = Claim(request=str(uuid.uuid4()), run=run, is_new=True)
        row = claim.model_dump(exclude={"is_new"}) | {
            "created_at": self._database.clock(),
            "project": project,
            "user": user,
            "key": key,
            "fingerprint": fingerprint,
            "code": code,
        }
        while True:
            async with self._database.write(Lock.PROJECT.of(project)) as connection:
                await require_living(connection, project)
                new = insert_into(connection, idempotency).values(row).on_conflict_do_nothing()
                if (await connection.execute(new)).rowcount:
                    return claim
            earlier = await self._earlier(project, user, key, fingerprint)
            if earlier is not None:  # else it was released meanwhile
                return earlier

    async def answer(self, project: str, request: str, answer: str) -> None:
        """Remember what the request was answered. Raises `NotFound` when the project is gone."""
        mine = idempotency.c.request == request
        async with self._database.write(Lock.PROJECT.of(project)) as connection:
            await require_living(connection, project)
            await connection.execute(update(idempotency).where(mine).values(answer=answer))

    async def code(self) -> frozenset[tuple[str, str]]:
        """The code (project, SHA-256) of requests without an answer: a run may use it unnoted."""
        columns = idempotency.c
        found = select(columns.project, columns.code).where(
            columns.answer.is_(None), columns.code.is_not(None)
        )
        async with self._database.read() as connection:
            return frozenset((row.project, row.code) for row in await connection.execute(found))

    async def release(self, request: str) -> None:
        """The request was refused and did nothing: its key may be used again."""
        async with self._database.write() as connection:
            await connection.execute(delete(idempotency).where(idempotency.c.request == request))

    async def expire(self) -> int:
        """Forget the keys whose time is over, of requests that never ended, too; how many."""
        over = idempotency.c.created_at <= self._database.clock() - KEPT
        async with self._database.write() as connection:
            gone = await connection.execute(delete(idempotency).where(over))
            return gone.rowcount

    async def _earlier(self, project: str, user: str, key: str, fingerprint: str) -> Claim | None:
        found = select(idempotency).where(*_at(project, user, key))
        async with self._database.read() as connection:
            row = (await connection.execute(found)).first()
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise Conflict(
                "The idempotency key was used for another request.", hint="Use a new key."
            )
        return Claim.model_validate(row._asdict())


def _at(project: str, user: str, key: str) -> tuple[ColumnElement[bool], ...]:
    columns = idempotency.c
    return (columns.project == project, columns.user == user, columns.key == key)
