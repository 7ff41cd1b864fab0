"""Keys that stay when the master key changes, sealed like any other value."""

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from perdure.key_ring import KeyRing
from perdure.keys import Purpose
from store.database import Database
from store.sealing import Seal
from store.tables import kept_keys


class KeptKeys:
    """One, so far: that of digests. It began as a sub-key of the first master key."""

    def __init__(self, database: Database, seal: Seal, ring: KeyRing) -> None:
        self._database = database
        self._seal = seal
        self._ring = ring

    async def digests(self) -> bytes:
        """What digests are made with, the same for ever.

        A living run is compared with what it was given months ago: by another key, everything
        would have changed.
        """
        name = Purpose.DIGESTS.value
        kept = await self._find(name)
        if kept is not None:
            return kept
        *_, first = self._ring.keys
        row = {"name": name} | self._seal.close(first.subkey(Purpose.DIGESTS), kept_keys.name, name)
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(kept_keys).values(row))
        except IntegrityError:  # another process was quicker
            pass
        found = await self._find(name)
        assert found is not None
        return found

    async def _find(self, name: str) -> bytes | None:
        found = select(kept_keys).where(kept_keys.c.name == name)
        async with self._database.read() as connection:
            row = (await connection.execute(found)).first()
        if row is None:
            return None
        return self._seal.open(row.sealed, row.sealed_by, kept_keys.name, name)
