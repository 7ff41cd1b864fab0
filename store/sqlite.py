"""How SQLite is used: by several processes at once, with one writer at a time."""

from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_SECONDS = 15
"""How long a writer waits for another process's transaction: ours take milliseconds."""

WRITES = "perdure_writes"
"""The execution option of a transaction that may write."""


def prepare(engine: AsyncEngine) -> None:
    """Have transactions that write wait for their turn before they read anything."""

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # Our own BEGIN below, in place of the driver's, which would come too late to wait its turn.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
