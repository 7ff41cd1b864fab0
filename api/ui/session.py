"""Sessions of people who signed in: a signed cookie that names a token, which must still hold."""

import hashlib
import hmac
from datetime import datetime, timedelta

from perdure.key_ring import Keys

LENGTH = timedelta(hours=12)
"""A working day; then the token is asked for again."""


class Sessions:
    """Signs and checks. Nothing is stored: who revokes the token ends its sessions.

    The current key alone counts: who knows an older one cannot make a session.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def begin(self, token: str, now: datetime) -> str:
        """The cookie's value for a session of the token of this id."""
        content = f"{token}.{int((now + LENGTH).timestamp())}"
        return f"{content}.{self._signature(content)}"

    def token_of(self, cookie: str, now: datetime) -> str | None:
        """The id of the session's token; None when the cookie is not ours, or too old."""
        content, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            return None
        token, _, expires_at = content.rpartition(".")
        return token if now.timestamp() < int(expires_at) else None

    def _signature(self, content: str) -> str:
        current, *_ = self._keys()
        return hmac.new(current, content.encode(), hashlib.sha256).hexdigest()
