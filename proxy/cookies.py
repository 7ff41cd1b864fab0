"""Our own session cookie never reaches a user's application, nor comes from one. Pure."""

SESSION = b"perdure_session"


def without_session(cookies: list[bytes]) -> bytes:
    """One `Cookie` value of all that were sent (RFC 6265, 5.4), less our own; empty when none."""
    pairs = b";".join(cookies).split(b";")
    kept = [pair.strip() for pair in pairs if pair.partition(b"=")[0].strip() != SESSION]
    return b"; ".join(pair for pair in kept if pair)


def sets_session(value: bytes) -> bool:
    """Whether a `Set-Cookie` of this value comes back as our session's.

    Browsers leave out the `=` of a cookie without a name, and our reader all blanks of Unicode.
    """
    pair = value.partition(b";")[0].decode("latin-1")
    return pair.strip(" \t=").partition("=")[0].strip() == SESSION.decode()
