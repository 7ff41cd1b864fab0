"""Revisions: what each run was asked to be, when, and by whom."""

from datetime import datetime

from sqlalchemy import select

from spec.public import Model
from spec.run_spec import RunSpec
from store.database import Database
from store.living import require_living
from store.locks import Lock
from store.tables import revisions
from store.upsert import upsert


class Revision(Model):
    """The `number`th specification of one life of a run."""

    project: str
    run: str
    incarnation: str
    number: int
    user: str
    spec: RunSpec
    at: datetime


class Revisions:
    """All runs' revisions. Only ever appended to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, revision: Revision) -> None:
        """Keep a revision; one with the same number is the same one, told again.

        Raises `NotFound` when its project was deleted.
        """
        row = revision.model_dump(exclude={"spec"}) | {"spec": revision.spec.model_dump_json()}
        async with self._database.write(Lock.PROJECT.of(revision.project)) as connection:
            await require_living(connection, revision.project)
            await upsert(connection, revisions, row)

    async def of(self, project: str, run: str) -> tuple[Revision, ...]:
        """All of a name's lives, newest first."""
        of_run = (revisions.c.project == project, revisions.c.run == run)
        newest = select(revisions).where(*of_run).order_by(revisions.c.at.desc())
        async with self._database.read() as connection:
            return tuple(
                Revision.model_validate(
                    row._asdict() | {"spec": RunSpec.model_validate_json(row.spec)}
                )
                for row in await connection.execute(newest)
            )
