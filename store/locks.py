"""Locks of the store: what looks at rows and then writes by what it saw is alone while it does."""

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

HELD = "perdure_locks"
"""The execution option of a transaction that names what it holds."""


class Lock(StrEnum):
    """What a transaction asks for at its beginning, and has until it has committed.

    Whatever is not here is safe by a constraint, in one statement.
    """

    SETUP = "setup"
    """Making tables, and bringing them to another version."""
    FEED = "feed"
    """Users, their tokens and projects, and the feed that tells the proxies of each change.

    Numbers of the feed are given while it is held, so they are in the order of the commits.
    """
    PROJECT = "project"
    """One project: whether it is there. Its deletion, and what must not outlive it. Taken by `of`.
    """
    ADDRESSES = "addresses"
    """Which address comes next."""
    CODE = "code"
    """One project's code and its quota. It is taken by `of`."""
    LOAD = "load"
    """What the proxies counted: each arrival is added to the history once."""
    LOG = "log"
    """One run's log: cursors, the lines' numbers, the quota. It is taken by `of`."""

    def of(self, *names: str) -> str:
        """The lock on one thing of many."""
        return "/".join((self, *names))


async def take(connection: AsyncConnection, locks: Iterable[str]) -> None:
    """Wait for each of them, in one order for all, so that nobody waits for each other.

    For PostgreSQL. SQLite has one writer at a time anyway.
    """
    for number in sorted(map(_number, locks)):
        key = bindparam("key", number, BigInteger)
        await connection.execute(select(func.pg_advisory_xact_lock(key)))


def require(connection: AsyncConnection, lock: str) -> None:
    """Fail when the transaction does not hold the lock: a mistake of ours, on every database."""
    held = connection.sync_connection
    if held is None or lock not in held.get_execution_options().get(HELD, ()):
        raise AssertionError(f"The transaction does not hold the lock `{lock}`")


def _number(lock: str) -> int:
    """PostgreSQL's name of a lock: 64 bits, shared with whoever else uses the database."""
    digest = hashlib.sha256(f"perdure/{lock}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
