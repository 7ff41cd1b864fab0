"""The newest migration's number, and whether a database has it: quick, for it loads nothing."""

import asyncio
import sqlite3
from pathlib import Path

from perdure.errors import CannotStart

HEAD = "0001"

SQLITE = "sqlite+aiosqlite:///"
POLL = 0.02  # seconds between two looks at a store that is being set up


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
    try:
        async with asyncio.timeout(seconds):
            while url.startswith(SQLITE) and not is_set_up(url):  # noqa: ASYNC110 - another process
                await asyncio.sleep(POLL)
    except TimeoutError as error:
        raise CannotStart(
            "The store was not set up, or by another version of perdure.",
            hint="Run `python -m store.setup`; it never goes back to an older version.",
        ) from error
