"""Our own session cookie never reaches a user's application. Pure."""

SESSION = b"perdure_session"


def without_session(cookies: list[bytes]) -> bytes:
    """One `Cookie` value of all that were sent (RFC 6265, 5.4), less our own; empty when none."""
    pairs = b";".join(cookies).split(b";")
    kept = [pair.strip() for pair in pairs if pair.partition(b"=")[0].strip() != SESSION]
    return b"; ".join(pair for pair in kept if pair)
