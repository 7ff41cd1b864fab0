"""Addresses of containers: written down before they are used, and not given again for an hour."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from perdure.errors import NoCapacity
from store.connection import Database
from store.tables import addresses

REST = timedelta(hours=1)
"""A proxy that still knows an old address must not reach its next owner."""


class Addresses:
    """All addresses that were handed out, by network."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, network: str, candidates: Iterable[str], token: str) -> str:
        """The address of `token`: the one that it has, else the first candidate that has rested.

        Raises `NoCapacity` when none has.
        """
        now = self._database.clock()
        async with self._database.write() as connection:
            in_network = select(addresses).where(addresses.c.network == network)
            rows = (await connection.execute(in_network)).all()
            own = next((str(row.address) for row in rows if row.token == token), None)
            if own is not None:
                return own
            busy = {row.address for row in rows if row.token or row.last_used_at > now - REST}
            free = next((each for each in candidates if each not in busy), None)
            if free is None:
                raise NoCapacity(
                    f"The network `{network}` has no free address.", hint="Stop a service."
                )
            place = {"network": network, "address": free}
            await connection.execute(delete(addresses).filter_by(**place))
            row = place | {"token": token, "last_used_at": now}
            await connection.execute(insert(addresses).values(row))
        return free

    async def release(self, token: str) -> None:
        """The token's container is gone; its address begins to rest."""
        async with self._database.write() as connection:
            await connection.execute(
                update(addresses)
                .where(addresses.c.token == token)
                .values(token=None, last_used_at=self._database.clock())
            )
