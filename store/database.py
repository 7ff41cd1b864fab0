"""How the store reaches its database: transactions that only read, and ones that also write."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from perdure.errors import CannotStart, NoSpace, Unavailable
from store import metrics, postgres, sqlite
from store.locks import HELD, take

FULL = "disk is full"
"""Of SQLite's words for SQLITE_FULL."""

Clock = Callable[[], datetime]

STATEMENT_SECONDS = 30.0
"""For one statement on PostgreSQL: ours take milliseconds, and a server that hangs is away."""
AWAY = ("08", "25006", "40", "53", "55P03", "57", "58")
"""Beginnings of PostgreSQL's codes for: no connection, no primary, a deadlock or a serialization
failure (both impossible by design, see `store.locks`), no room, a lock or a statement that took too
long, a shutdown, a failing disk."""

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Database:
    """A pool of connections. `clock` is the store's only source of time.

    A statement on PostgreSQL may take `seconds`; None: as long as it takes.
    """

    def __init__(
        self, url: str, clock: Clock = utc_now, seconds: float | None = STATEMENT_SECONDS
    ) -> None:
        self.clock = clock
        self.next_commit = asyncio.Event()
        """Set when this process has written something; the one after it is another event."""
        self.engine = _postgres(url, seconds) if postgres.is_postgres(url) else _sqlite(url)
        self.is_postgres = self.engine.dialect.name == "postgresql"
        if self.is_postgres:
            view = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._reader = self.engine.execution_options(**view)
            # A statement must see what was committed while the transaction waited for its locks.
            self._writer = self.engine.execution_options(isolation_level="READ COMMITTED")
        else:
            self._reader = self.engine
            self._writer = self.engine.execution_options(**{sqlite.WRITES: True})

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One view of everything. Raises `Unavailable` when the database does not answer."""
        async with _transaction(self._reader, "read") as connection:
            yield connection

    @asynccontextmanager
    async def write(self, *locks: str) -> AsyncIterator[AsyncConnection]:
        """All or nothing, committed at the end, alone with these locks of `store.locks`.

        Raises `Unavailable`, as `read`, and `NoSpace`.
        """
        writer = self._writer.execution_options(**{HELD: frozenset(locks)})
        async with _transaction(writer, "write") as connection:
            if self.is_postgres:
                await take(connection, locks)
            yield connection
        self.next_commit.set()
        self.next_commit = asyncio.Event()

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def _sqlite(url: str) -> AsyncEngine:
    engine = create_async_engine(url, hide_parameters=True)
    sqlite.prepare(engine)
    return engine


def _postgres(url: str, seconds: float | None) -> AsyncEngine:
    postgres.driver()

    async def connect() -> Any:
        try:
            return await postgres.connect(url, seconds)
        except (Unavailable, CannotStart) as error:
            # Whoever sent a request is not told where our database is, and as whom we come.
            log.warning("%s %s", error.message, error.hint)
            raise _unavailable() from error

    return create_async_engine(
        f"{postgres.SCHEMES[0]}://",
        async_creator=connect,
        pool_pre_ping=True,
        hide_parameters=True,
    )


@asynccontextmanager
async def _transaction(engine: AsyncEngine, kind: str) -> AsyncIterator[AsyncConnection]:
    try:
        with metrics.timed(kind):
            async with engine.begin() as connection:
                yield connection
    except (DBAPIError, NoneFree, TimeoutError) as error:
        if isinstance(error, DBAPIError) and not _is_away(error):
            raise
        metrics.FAILURES.labels(kind).inc()
        said = getattr(error, "orig", None) or error
        log.warning("The store: %s", said)
        raise (_no_space() if FULL in str(said) else _unavailable()) from error


def _is_away(error: DBAPIError) -> bool:
    """Whether the same may go well a moment later."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return (
        isinstance(error, OperationalError)
        or error.connection_invalidated
        or state.startswith(AWAY)
    )


def _unavailable() -> Unavailable:
    return Unavailable("The store does not answer.", hint="Try again; the server's log says more.")


def _no_space() -> NoSpace:
    return NoSpace(
        "The store cannot keep anything more: the disk of the server is full.",
        hint="Free some space on the machine of the server, then try again.",
    )
