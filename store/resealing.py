"""Rows that an older master key has sealed are sealed again by the current one."""

import logging
from collections import Counter
from typing import Any

from sqlalchemy import Row, Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from perdure.errors import CannotStart
from perdure.key_ring import KeyRing
from spec.public import Model
from store.database import Database
from store.sealing import Seal
from store.tables import envelopes, kept_keys, secrets

IDENTITIES: dict[Table, tuple[str, ...]] = {
    secrets: ("project", "name"),
    envelopes: ("id", "project", "run"),
    kept_keys: ("name",),
}
"""The tables with sealed rows, and the columns that a seal is bound to, after the table's name."""

BATCH = 100
"""Rows of one transaction: others who write wait some milliseconds for it."""

log = logging.getLogger(__name__)


class Resealed(Model):
    """How many rows were sealed again, and how many no key of ours opens."""

    rows: int = 0
    unreadable: int = 0


class Resealing:
    """Each batch is a transaction: killed anywhere, the rest is done the next time."""

    def __init__(self, database: Database, seal: Seal, ring: KeyRing) -> None:
        self._database = database
        self._seal = seal
        self._ring = ring

    async def counts(self) -> Counter[str]:
        """How many rows each key has sealed, by its id."""
        found: Counter[str] = Counter()
        async with self._database.read() as connection:
            for table in IDENTITIES:
                counted = select(table.c.sealed_by, func.count()).group_by(table.c.sealed_by)
                for by, rows in await connection.execute(counted):
                    found[by] += rows
        return found

    async def run(self) -> Resealed:
        """Seal again whatever the current key has not."""
        done = Counter[bool]()
        for table in IDENTITIES:
            older = await self._older(table)
            for first in range(0, len(older), BATCH):
                async with self._database.write() as connection:
                    for identity in older[first : first + BATCH]:
                        done[await self._reseal(connection, table, identity)] += 1
        if done[True]:
            log.info("%d sealed values were sealed again by the current key", done[True])
        if done[False]:
            log.warning("%d sealed values cannot be opened with any key here", done[False])
        return Resealed(rows=done[True], unreadable=done[False])

    async def _older(self, table: Table) -> list[Row[Any]]:
        columns = [table.c[name] for name in IDENTITIES[table]]
        older = select(*columns).where(table.c.sealed_by != self._ring.current.id)
        async with self._database.read() as connection:
            return list((await connection.execute(older)).all())

    async def _reseal(self, connection: AsyncConnection, table: Table, identity: Row[Any]) -> bool:
        """False when no key opens it. A row that has gone meanwhile needs nothing."""
        at = [table.c[name] == value for name, value in identity._mapping.items()]
        row = (await connection.execute(select(table).where(*at).with_for_update())).first()
        if row is None:
            return True
        try:
            value = self._seal.open(row.sealed, row.sealed_by, table.name, *identity)
        except CannotStart:
            return False
        sealed = self._seal.close(value, table.name, *identity)
        await connection.execute(update(table).where(*at).values(sealed))
        return True
