"""The store: whether it is there, of our version, and whole."""

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perdure.settings import Settings
from spec.finding import Finding, fine, problem
from store.database import Database
from store.head import HEAD, SET_UP, SQLITE
from store.schema import require_head


@dataclass(frozen=True)
class StoreFile:
    """A SQLite file: its version (None: not set up), and what its own check says of it.

    `exists` is True for another database: who could not be reached raised an error.
    """

    exists: bool
    version: str | None = None
    integrity: str = "ok"


async def look_at_store(settings: Settings) -> StoreFile:
    """Open it to read only. Raises `CannotStart` and `Unavailable` for other databases."""
    url = settings.store_url
    if url.startswith(SQLITE):
        return await asyncio.to_thread(_read, Path(url.removeprefix(SQLITE)))
    database = Database(url)
    try:
        await require_head(database)
    finally:
        await database.close()
    return StoreFile(exists=True, version=HEAD)


def _read(path: Path) -> StoreFile:
    if not path.exists():
        return StoreFile(exists=False)
    # Reading makes files of SQLite's own beside it, unless we promise that nobody writes.
    at_rest = not path.with_name(f"{path.name}-wal").exists()
    how = "immutable=1" if at_rest else "mode=ro"
    connection = sqlite3.connect(f"file:{path}?{how}", uri=True)
    try:
        integrity = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        return StoreFile(exists=True, integrity=str(error))
    finally:
        connection.close()
    return StoreFile(exists=True, version=version and version[0], integrity=integrity)


def judge_store(seen: StoreFile) -> Iterator[Finding]:
    """It is there, whole, and of our version."""
    if not seen.exists:
        yield problem("The store does not exist.", SET_UP)
    elif seen.integrity != "ok":
        yield problem(
            f"The store is damaged: {seen.integrity}.",
            "Stop the server, keep a copy of the file, and restore the data directory from the "
            "backup.",
        )
    elif seen.version != HEAD:
        yield problem(f"The store has version {seen.version}, and this program {HEAD}.", SET_UP)
    else:
        yield fine(f"The store is whole, of version {HEAD}.")
