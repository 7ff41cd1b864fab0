"""Container addresses, handed out in turn: a stale one must not reach somebody else's replica.

A proxy may still try the address of a replica that has gone. So an address is written down before
it is used, the next one is always the one after the last, and a released one rests for an hour.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from perdure.errors import ContainerCreateFailed
from spec.public import Model

# Longer than any proxy keeps a route that nobody confirms.
REST = timedelta(hours=1)

SCHEMA = """
create table if not exists address (
    network text not null,
    address integer not null,
    token text not null,
    claimed integer not null,
    released real,
    primary key (network, address)
)
"""


class AddressPool(Model):
    """The addresses of one network that are ours to give: `first` to `last`, both included."""

    first: IPv4Address
    last: IPv4Address

    def after(self, address: IPv4Address | None) -> Iterator[IPv4Address]:
        """All addresses of the pool once, beginning with the one after `address`."""
        low, size = int(self.first), int(self.last) - int(self.first) + 1
        start = 0 if address is None else int(address) + 1 - low
        return (IPv4Address(low + (start + step) % size) for step in range(size))


class AddressBook(Protocol):
    """Who has, or lately had, which address. Durable: an answer survives a crash after it."""

    async def claim(self, network: str, token: str, pool: AddressPool) -> IPv4Address:
        """The address of `token` in `network`: the one that it holds, else the next free one.

        Raises `ContainerCreateFailed` when all of the pool is held or resting.
        """
        ...

    async def release(self, network: str, token: str) -> None:
        """Let the address of `token` rest for an hour; nothing happens when it holds none."""
        ...


class AddressFile:
    """An address book in one SQLite file, shared by the processes of one machine."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    async def claim(self, network: str, token: str, pool: AddressPool) -> IPv4Address:
        """See `AddressBook`."""
        return await asyncio.to_thread(self._claim, network, token, pool)

    async def release(self, network: str, token: str) -> None:
        """See `AddressBook`."""
        await asyncio.to_thread(self._release, network, token)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as file:
            file.execute("pragma synchronous = full")
            file.execute("begin immediate")
            file.execute(SCHEMA)
            yield file
            file.execute("commit")

    def _claim(self, network: str, token: str, pool: AddressPool) -> IPv4Address:
        with self._transaction() as file:
            held = file.execute(
                "select address from address where network = ? and token = ? and released is null",
                (network, token),
            ).fetchone()
            if held and pool.first <= (address := IPv4Address(held[0])) <= pool.last:
                return address
            taken = self._taken(file, network)
            last, turn = file.execute(
                "select address, max(claimed) from address where network = ?", (network,)
            ).fetchone()
            after = None if last is None else IPv4Address(last)
            free = next((one for one in pool.after(after) if int(one) not in taken), None)
            if free is None:
                raise ContainerCreateFailed(
                    f"All addresses from {pool.first} to {pool.last} are in use or resting",
                    hint="An address is given again one hour after its replica has gone.",
                )
            file.execute(
                "replace into address values (?, ?, ?, ?, null)",
                (network, int(free), token, (turn or 0) + 1),
            )
            return free

    def _taken(self, file: sqlite3.Connection, network: str) -> set[int]:
        rows = file.execute(
            "select address from address where network = ? and (released is null or released > ?)",
            (network, self._clock() - REST.total_seconds()),
        )
        return {address for (address,) in rows}

    def _release(self, network: str, token: str) -> None:
        with self._transaction() as file:
            file.execute(
                "update address set released = ?"
                " where network = ? and token = ? and released is null",
                (self._clock(), network, token),
            )
