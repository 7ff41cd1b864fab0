"""The newest migration's number, and whether a database has it: quick, for it loads nothing."""

import asyncio
import logging
import sqlite3
from pathlib import Path

from perdure.errors import CannotStart

HEAD = "0003"

SQLITE = "sqlite+aiosqlite:///"
POLL = 0.02  # seconds between two looks at a store that is being set up

SET_UP = (
    "`perdure server` sets it up when it starts; parts that run alone need the set-up step of the "
    "deployment first. It never goes back to an older version."
)
"""What to do about a store that is not of our version."""

log = logging.getLogger(__name__)


def is_set_up(url: str) -> bool:
    """Whether this is a SQLite store of our version whose set-up was completed."""
    path = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or not path.exists():
        return False
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(
            "SELECT version_num FROM alembic_version JOIN installation"
        ).fetchone()
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return bool(found == (HEAD,))


async def until_set_up(url: str, seconds: float) -> None:
    """Wait for a set-up that is under way beside us. Other databases than SQLite are set up before.

    Raises `CannotStart` when it does not come to its end in time.
    """
    if not url.startswith(SQLITE) or is_set_up(url):
        return
    path = url.removeprefix(SQLITE)
    log.info("Waiting for the set-up of the store `%s`, for at most %g s", path, seconds)
    try:
        async with asyncio.timeout(seconds):
            while not is_set_up(url):  # noqa: ASYNC110 - another process
                await asyncio.sleep(POLL)
    except TimeoutError as error:
        raise CannotStart(
            f"The store `{path}` was not set up within {seconds:g} s, or by another version.",
            hint=SET_UP,
        ) from error
