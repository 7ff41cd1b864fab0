"""Addresses of containers: written down before they are used, and not given again for an hour."""

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from perdure.errors import ContainerCreateFailed
from spec.addresses import AddressPool
from store.database import Database
from store.locks import Lock
from store.tables import addresses

REST = timedelta(hours=1)
"""Longer than any proxy keeps a route that nobody confirms."""


class Addresses:
    """All addresses that were handed out, by network, in the order of their turns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, network: str, token: str, pool: AddressPool) -> IPv4Address:
        """The address of `token`: the one that it has, else the next one that has rested.

        Raises `ContainerCreateFailed` when none has.
        """
        of_network = select(addresses).where(addresses.c.network == network)
        async with self._database.write(Lock.ADDRESSES) as connection:
            rows = (await connection.execute(of_network.order_by(addresses.c.turn))).all()
            own = next((_address(row) for row in rows if row.token == token), None)
            if own is not None and pool.first <= own <= pool.last:
                return own
            free = self._next(rows, pool)
            place = {"network": network, "address": str(free)}
            await connection.execute(delete(addresses).filter_by(**place))
            await connection.execute(delete(addresses).where(addresses.c.token == token))
            turn = rows[-1].turn + 1 if rows else 1
            row = place | {"token": token, "turn": turn, "released_at": None}
            await connection.execute(insert(addresses).values(row))
        return free

    async def release(self, network: str, token: str) -> None:
        """The token's container is gone; its address begins to rest."""
        async with self._database.write() as connection:
            await connection.execute(
                update(addresses)
                .where(addresses.c.network == network, addresses.c.token == token)
                .values(token=None, released_at=self._database.clock())
            )

    def _next(self, rows: Sequence[Row[Any]], pool: AddressPool) -> IPv4Address:
        rested = self._database.clock() - REST
        busy = {_address(row) for row in rows if row.token or row.released_at > rested}
        last = _address(rows[-1]) if rows else None
        free = next((each for each in pool.after(last) if each not in busy), None)
        if free is None:
            raise ContainerCreateFailed(
                f"All addresses from {pool.first} to {pool.last} are in use or resting.",
                hint="An address is given again one hour after its replica has gone.",
            )
        return free


def _address(row: Row[Any]) -> IPv4Address:
    return IPv4Address(row.address)
