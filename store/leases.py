"""Leases of proxy processes: who serves now, and how much of the feed each has taken in."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from spec.feed import LeaseGrant, ProxyLease
from spec.public import Model
from store.database import Database
from store.tables import leases
from store.upsert import upsert

POLL_SECONDS = 0.05
FORGOTTEN_AFTER = timedelta(hours=1)
"""That a proxy is not heard of while others are: without any of them it is the API that is away."""


class KnownProxy(Model):
    """A proxy process; `stats` is the address of its `/stats`, `live` tells if its lease runs."""

    boot: str
    stats: str
    feed: int
    live: bool


class Leases:
    """All proxies' leases, of `seconds` each."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds

    async def renew(self, boot: str, lease: ProxyLease) -> LeaseGrant:
        """Register a proxy process, or hear that it still lives.

        One that renews in time has seen the API all the while: it forgets others, of which nothing
        was heard for `FORGOTTEN_AFTER`. After an outage the first ones to come forget nobody.
        """
        now = self._database.clock()
        row = {
            "boot": boot,
            "stats": lease.stats,
            "feed": lease.feed,
            "expires_at": now + timedelta(seconds=self._seconds),
        }
        own = select(leases.c.expires_at).where(leases.c.boot == boot)
        async with self._database.write() as connection:
            until = await connection.scalar(own)
            await upsert(connection, leases, row)
        if until is not None and until > now:
            await self._forget(now - FORGOTTEN_AFTER)
        return LeaseGrant(seconds=self._seconds)

    async def known(self) -> tuple[KnownProxy, ...]:
        """All proxies that are not forgotten: the last ones never are.

        None is renewed while the API is away, and proxies serve on. So nothing is known only where
        there never was a proxy.
        """
        now = self._database.clock()
        async with self._database.read() as connection:
            rows = await connection.execute(select(leases).order_by(leases.c.boot))
            return tuple(
                KnownProxy(boot=row.boot, stats=row.stats, feed=row.feed, live=row.expires_at > now)
                for row in rows
            )

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """Return True when every live proxy has taken in `seq`, False when the time is over."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while await self._slowest(seq) < seq:
            if clock() >= deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def _forget(self, before: datetime) -> None:
        """Drop what ran out long ago: here, since a proxy that was killed does not say goodbye."""
        over = leases.c.expires_at < before
        async with self._database.read() as connection:
            boots = tuple(await connection.scalars(select(leases.c.boot).where(over)))
        for boot in sorted(boots):  # one at a time: two that drop the same do not wait in a ring
            async with self._database.write() as connection:
                await connection.execute(delete(leases).where(over, leases.c.boot == boot))

    async def _slowest(self, none: int) -> int:
        valid = leases.c.expires_at > self._database.clock()
        async with self._database.read() as connection:
            slowest = await connection.scalar(select(func.min(leases.c.feed)).where(valid))
            return none if slowest is None else int(slowest)
