"""The installation's own id, made once; containers carry it as a label."""

import uuid
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from perdure.errors import CannotStart
from store.database import Database
from store.head import SET_UP
from store.locks import Lock, require
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


async def make_id(connection: AsyncConnection, now: datetime) -> bool:
    """Make the server's id; False when there is one."""
    require(connection, Lock.SETUP)
    if await connection.scalar(select(installation.c.id)) is not None:
        return False
    await connection.execute(insert(installation).values(id=str(uuid.uuid4()), created_at=now))
    return True
