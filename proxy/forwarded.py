"""`X-Forwarded-*`: what an application is told of the client. Pure."""

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network


def forwarded_for(peer: bytes, host: bytes | None) -> bytes:
    """Whole lines for a client on its own; what it says of itself does not count."""
    told = b"x-forwarded-host: %b\r\n" % host if host else b""
    return b"x-forwarded-for: %b\r\nx-forwarded-proto: http\r\n%b" % (peer, told)


def forwarded_by_trusted(
    peer: bytes, host: bytes | None, given: Sequence[tuple[bytes, bytes]] | None
) -> bytes:
    """Whole lines for a client behind a proxy that we trust: what it says, and itself."""
    names = {name.lower(): value for name, value in given or ()}
    chain = names.pop(b"x-forwarded-for", b"")
    names.pop(b"x-forwarded-prefix", None)
    fields = {
        b"x-forwarded-for": chain + b", " + peer if chain else peer,
        b"x-forwarded-proto": b"http",
        b"x-forwarded-host": host or b"",
        **names,
    }
    return b"".join(b"%b: %b\r\n" % field for field in fields.items() if field[1])


def origin(peer: bytes, given: Sequence[tuple[bytes, bytes]] | None) -> str:
    """The network a request comes from, as one that may have many addresses in it: an IPv6 /64.

    `given` is what a proxy says that we trust; None: the peer is the client. Empty where clients
    cannot be told apart: behind one that names none, or on this machine, where one may stand.
    """
    nearest = peer
    if given is not None:
        chains = [value for name, value in given if name.lower() == b"x-forwarded-for"]
        nearest = chains[-1].rpartition(b",")[2].strip() if chains else b""
    try:
        address = ip_address(nearest.decode("latin-1"))
    except ValueError:
        return ""
    if address.is_loopback:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), 64), strict=False))
    return str(address)
