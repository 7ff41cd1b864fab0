"""Addresses of containers in a network of ours."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from spec.public import Model


class AddressPool(Model):
    """The addresses of one network that are ours to give: `first` to `last`, both included."""

    first: IPv4Address
    last: IPv4Address

    def after(self, address: IPv4Address | None) -> Iterator[IPv4Address]:
        """All addresses of the pool once, beginning with the one after `address`."""
        low, size = int(self.first), int(self.last) - int(self.first) + 1
        start = 0 if address is None else int(address) + 1 - low
        return (IPv4Address(low + (start + step) % size) for step in range(size))
