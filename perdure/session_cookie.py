"""The cookie of a browser that is signed in: none of a user's application gets it, or sets it."""

from collections.abc import Iterable

SESSION_COOKIE = "perdure_session"

_NAME = SESSION_COOKIE.encode()


def without_session(cookies: Iterable[bytes]) -> bytes:
    """One `Cookie` value of all that were sent (RFC 6265, 5.4), less our own; empty when none."""
    pairs = b";".join(cookies).split(b";")
    kept = [pair.strip() for pair in pairs if pair.partition(b"=")[0].strip() != _NAME]
    return b"; ".join(pair for pair in kept if pair)


def sets_session(value: bytes) -> bool:
    """Whether a `Set-Cookie` of this value comes back as our session's.

    Browsers leave out the `=` of a cookie without a name, and our reader all blanks of Unicode.
    """
    pair = value.partition(b";")[0].decode("latin-1")
    return pair.strip(" \t=").partition("=")[0].strip() == SESSION_COOKIE
