"""The installation's own id, made once; containers carry it as a label."""

import uuid

from sqlalchemy import insert, select

from perdure.errors import CannotStart
from store.database import Database
from store.head import SET_UP
from store.tables import installation


class Installation:
    """Who we are, among other servers on the same machines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def id(self) -> str:
        """The server's id. Raises `CannotStart` before the set-up."""
        async with self._database.read() as connection:
            found: str | None = await connection.scalar(select(installation.c.id))
        if found is None:
            raise CannotStart("The store has no server id.", hint=SET_UP)
        return found

    async def exists(self) -> bool:
        """Whether the set-up was done, to its end."""
        async with self._database.read() as connection:
            return await connection.scalar(select(installation.c.id)) is not None

    async def create(self) -> str:
        """Make the id, once."""
        row = {"id": str(uuid.uuid4()), "created_at": self._database.clock()}
        async with self._database.write() as connection:
            await connection.execute(insert(installation).values(row))
        return str(row["id"])
