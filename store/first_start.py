"""What a database gets at the first start: its tables, the user `admin`, the project `main`."""

import uuid

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from spec.people import GlobalRole, ProjectRole
from store.changes import ChangeKind, record
from store.database import Database
from store.installation import make_id
from store.locks import Lock
from store.schema import migrate
from store.tables import members, projects, tokens, users
from store.tokens import digest

ADMIN = "admin"
MAIN = "main"


async def fill(url: str, token: str) -> None:
    """Bring the tables to our version, and introduce `admin` with this token, once.

    All or nothing, and alone: of two that start at the same time, the second finds it done.
    """
    database = Database(url, seconds=None)  # a migration takes as long as it takes
    try:
        async with database.write(Lock.SETUP, Lock.FEED) as connection:
            await connection.run_sync(migrate)
            # With the server's id there are people: a token that was revoked since stays so.
            if await make_id(connection, database.clock()):
                await _introduce(connection, database, token)
    finally:
        await database.close()


async def _introduce(connection: AsyncConnection, database: Database, token: str) -> None:
    now = database.clock()
    admin = {"name": ADMIN, "role": GlobalRole.ADMIN, "created_at": now}
    await connection.execute(insert(users).values(admin))
    first = {"id": str(uuid.uuid4()), "user": ADMIN, "name": "first start", "created_at": now}
    await connection.execute(insert(tokens).values(first | {"sha256": digest(token)}))
    await connection.execute(insert(projects).values(name=MAIN, created_at=now))
    member = {"project": MAIN, "user": ADMIN, "role": ProjectRole.ADMIN}
    await connection.execute(insert(members).values(member))
    await record(connection, ChangeKind.USER, [ADMIN])
