"""Container addresses, handed out in turn: a stale one must not reach somebody else's replica.

A proxy may still try the address of a replica that has gone. So an address is written down before
it is used, the next one is always the one after the last, and a released one rests for an hour.
"""

from ipaddress import IPv4Address
from typing import Protocol

from spec.addresses import AddressPool


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
