"""Values at rest: sealed with AES-256-GCM, each bound to the row that it lies in."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perdure.errors import CannotStart

NONCE_BYTES = 12


class Seal:
    """One key for all rows. A value that was moved to another row does not open."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, value: bytes, *row: str) -> bytes:
        """Seal a value for the row of that identity, as in `("secrets", project, name)`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, _identity(row))

    def open(self, sealed: bytes, *row: str) -> bytes:
        """The value. Raises `CannotStart` when the master key is not the one that sealed it."""
        nonce, box = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, box, _identity(row))
        except InvalidTag as error:
            raise CannotStart(
                "A sealed value cannot be opened with this master key.",
                hint="Restore the master key that belongs to this database.",
            ) from error


def _identity(row: tuple[str, ...]) -> bytes:
    return "\0".join(row).encode()
