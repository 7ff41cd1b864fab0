"""The newest migration's number, and whether a database has it: quick, for it loads no library."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from perdure.errors import CannotStart, Unavailable
from store import postgres

HEAD = "0006"

SQLITE = "sqlite+aiosqlite:///"
POLL = 0.02  # seconds between two looks at a store that is being set up
POLL_POSTGRES = 0.2  # there each look is a connection

SET_UP = (
    "`perdure server` sets it up when it starts; parts that run alone need the set-up step of the "
    "deployment first. It never goes back to an older version."
)
"""What to do about a store that is not of our version."""

COMPLETED = "SELECT version_num, id FROM alembic_version CROSS JOIN installation"

Found = tuple[str, str]
"""The newest migration that a store has, and the server's id."""

log = logging.getLogger(__name__)


async def is_set_up(url: str) -> bool:
    """Whether this is a store of our version whose set-up was completed.

    Raises `Unavailable` and `CannotStart` where PostgreSQL cannot be asked.
    """
    found = await _found(url)
    return found is not None and found[0] == HEAD


def shown(url: str) -> str:
    """The store's place, without a password."""
    return postgres.shown(url) if postgres.is_postgres(url) else url.removeprefix(SQLITE)


async def server_id(url: str) -> str | None:
    """Whose store it is, of whichever version; None where no set-up was completed.

    Raises as `is_set_up`.
    """
    found = await _found(url)
    return None if found is None else found[1]


async def _found(url: str) -> Found | None:
    return await _in_postgres(url) if postgres.is_postgres(url) else _in_sqlite(url)


def _in_sqlite(url: str) -> Found | None:
    path = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        try:
            found = connection.execute(COMPLETED).fetchone()
        except sqlite3.OperationalError:
            return None
    return (str(found[0]), str(found[1])) if found else None


async def _in_postgres(url: str) -> Found | None:
    asyncpg = postgres.driver()
    connection = await postgres.connect(url, postgres.CONNECT_SECONDS)
    try:
        with postgres.told(url):
            found = await connection.fetchrow(COMPLETED)
    except asyncpg.UndefinedTableError:
        return None
    finally:
        connection.terminate()
    return None if found is None else (str(found[0]), str(found[1]))


async def is_set_up_when_there(url: str, seconds: float) -> bool:
    """As `is_set_up`, of a PostgreSQL that may be starting, too; it gets so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await _when_there(url)
    except TimeoutError:
        return await is_set_up(url)


async def _when_there(url: str) -> bool:
    told = False
    while True:
        try:
            return await is_set_up(url)
        except Unavailable as error:
            if not told:
                log.warning("%s Waiting for it", error.message)
            told = True
        await asyncio.sleep(POLL_POSTGRES)


async def until_set_up(url: str, seconds: float) -> None:
    """Wait for a set-up that is under way beside us, and for a PostgreSQL that is starting.

    Raises `CannotStart` when it does not come to its end in time, `Unavailable` when PostgreSQL
    does not answer until then.
    """
    pause = POLL_POSTGRES if postgres.is_postgres(url) else POLL
    where = shown(url)
    try:
        async with asyncio.timeout(seconds):
            if await _when_there(url):
                return
            log.info("Waiting for the set-up of the store `%s`, for at most %g s", where, seconds)
            while not await _when_there(url):  # noqa: ASYNC110 - another process
                await asyncio.sleep(pause)
    except TimeoutError as error:
        if await is_set_up(url):
            return
        raise CannotStart(
            f"The store `{where}` was not set up within {seconds:g} s, or by another version.",
            hint=SET_UP,
        ) from error
