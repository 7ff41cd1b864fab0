"""Leases of proxy processes: who serves now, and how much of the feed each has taken in."""

import asyncio
from datetime import timedelta

from sqlalchemy import delete, func, insert, select

from spec.feed import LeaseGrant, ProxyLease
from spec.public import Model
from store.database import Database
from store.tables import leases

POLL_SECONDS = 0.05
FORGOTTEN_AFTER = timedelta(hours=1)


class LiveProxy(Model):
    """A proxy process with a valid lease; `stats` is the address of its `/stats`."""

    boot: str
    stats: str
    feed: int


class Leases:
    """All proxies' leases, of `seconds` each."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds

    async def renew(self, boot: str, lease: ProxyLease) -> LeaseGrant:
        """Register a proxy process, or hear that it still lives."""
        now = self._database.clock()
        row = {
            "boot": boot,
            "stats": lease.stats,
            "feed": lease.feed,
            "expires_at": now + timedelta(seconds=self._seconds),
        }
        old = (leases.c.boot == boot) | (leases.c.expires_at < now - FORGOTTEN_AFTER)
        async with self._database.write() as connection:
            await connection.execute(delete(leases).where(old))
            await connection.execute(insert(leases).values(row))
        return LeaseGrant(seconds=self._seconds)

    async def live(self) -> tuple[LiveProxy, ...]:
        """The proxies whose lease is valid now."""
        valid = select(leases).where(leases.c.expires_at > self._database.clock())
        async with self._database.read() as connection:
            rows = await connection.execute(valid.order_by(leases.c.boot))
            return tuple(LiveProxy.model_validate(row._asdict()) for row in rows)

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """Return True when every live proxy has taken in `seq`, False when the time is over."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while await self._slowest(seq) < seq:
            if clock() >= deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def _slowest(self, none: int) -> int:
        valid = leases.c.expires_at > self._database.clock()
        async with self._database.read() as connection:
            slowest = await connection.scalar(select(func.min(leases.c.feed)).where(valid))
            return none if slowest is None else int(slowest)
