"""Envelopes: the secret values of one apply, sealed before anything of it reaches Temporal."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, select

from perdure.errors import NotFound
from spec.public import Model
from spec.sealed import SealedValues
from store.database import Database
from store.living import require_living
from store.locks import Lock
from store.sealing import Seal
from store.tables import envelopes, idempotency
from store.upsert import upsert

SETTLED = timedelta(days=1)
"""What is younger is let be: it may be on its way to its run."""


class Envelope(Model):
    """An envelope's id, and the run that its values were given to."""

    id: str
    project: str
    run: str


class Envelopes:
    """All envelopes. Each lives as long as its run's record."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def put(self, envelope: str, project: str, run: str, values: SealedValues) -> None:
        """Seal the values under this id; a repetition replaces them. Raises `NotFound`."""
        row = {
            "id": envelope,
            "project": project,
            "run": run,
            "created_at": self._database.clock(),
            **self._seal.close(
                values.model_dump_json().encode(), envelopes.name, envelope, project, run
            ),
        }
        async with self._database.write(Lock.PROJECT.of(project)) as connection:
            await require_living(connection, project)
            await upsert(connection, envelopes, row)

    async def open(self, envelope: str, project: str, run: str) -> SealedValues:
        """The values, for the run that they were given to and no other.

        Raises `NotFound` when they were forgotten, or are another run's.
        """
        found = select(envelopes).where(
            envelopes.c.id == envelope, envelopes.c.project == project, envelopes.c.run == run
        )
        async with self._database.read() as connection:
            row = (await connection.execute(found)).first()
        if row is None:
            raise NotFound(f"The sealed values `{envelope}` are gone: their run has ended.")
        return SealedValues.model_validate_json(
            self._seal.open(row.sealed, row.sealed_by, envelopes.name, envelope, project, run)
        )

    async def all_values(self) -> list[SealedValues]:
        """Of all envelopes: for whoever has to leave them out of something."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(envelopes))).all()
        return [
            SealedValues.model_validate_json(
                self._seal.open(
                    row.sealed, row.sealed_by, envelopes.name, row.id, row.project, row.run
                )
            )
            for row in rows
        ]

    async def settled(self) -> tuple[Envelope, ...]:
        """Those older than `SETTLED` whose request is not on its way any more, oldest first.

        The request has an answer, or its key was forgotten: nobody will come with it once more.
        """
        on_its_way = select(idempotency.c.request).where(idempotency.c.answer.is_(None))
        found = (
            select(envelopes.c.id, envelopes.c.project, envelopes.c.run)
            .where(
                envelopes.c.created_at <= self._database.clock() - SETTLED,
                envelopes.c.id.not_in(on_its_way),
            )
            .order_by(envelopes.c.created_at)
        )
        async with self._database.read() as connection:
            rows = await connection.execute(found)
            return tuple(Envelope.model_validate(row._asdict()) for row in rows)

    async def forget(self, ids: Iterable[str]) -> int:
        """Remove them; how many there were."""
        there = 0
        for each in ids:
            async with self._database.write() as connection:
                gone = await connection.execute(delete(envelopes).where(envelopes.c.id == each))
                there += gone.rowcount
        return there
