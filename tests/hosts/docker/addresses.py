"""An address book that is forgotten with its process, for tests of what uses one."""

from ipaddress import IPv4Address

from spec.addresses import AddressPool


class AddressList:
    """Gives each address once."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], IPv4Address] = {}
        self._last: IPv4Address | None = None

    async def claim(self, network: str, token: str, pool: AddressPool) -> IPv4Address:
        """See `hosts.addresses.AddressBook`."""
        held = self._held.get((network, token))
        if held is not None and pool.first <= held <= pool.last:
            return held
        self._last = next(pool.after(self._last))
        self._held[network, token] = self._last
        return self._last

    async def release(self, network: str, token: str) -> None:
        """See `hosts.addresses.AddressBook`."""
        self._held.pop((network, token), None)
