"""How SQLite is used: by several processes at once, with one writer at a time."""

import asyncio
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

BUSY_SECONDS = 15
"""How long a writer waits for another process's transaction: ours take milliseconds."""

SWITCH_PAUSE = 0.005
"""Seconds between two attempts at what SQLite does not wait for."""

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
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _write_ahead(cursor: Any) -> None:
    """Switch a new database to WAL.

    Where several do that at once SQLite refuses all but one at once, whatever the busy time-out;
    for the others it is done a moment later.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            await_only(asyncio.sleep(SWITCH_PAUSE))
        else:
            return
