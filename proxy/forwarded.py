"""`X-Forwarded-*`: what an application is told of the client. Pure."""

from collections.abc import Sequence


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
