"""Values at rest: sealed with AES-256-GCM, each bound to the row that it lies in."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perdure.errors import CannotStart
from perdure.key_ring import KeyRing
from perdure.keys import MasterKey, Purpose

NONCE_BYTES = 12
UNKNOWN_KEY = ""
"""The id of the key of a row that was sealed before rows told theirs."""


class Seal:
    """The current key seals, all keys open. A value that was moved to another row does not open."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def close(self, value: bytes, *row: str) -> dict[str, object]:
        """Seal a value for the row of that identity, as in `("secrets", project, name)`.

        The columns that say it: `sealed`, and `sealed_by`, the id of the key.
        """
        key, nonce = self._ring.current, os.urandom(NONCE_BYTES)
        box = _cipher(key).encrypt(nonce, value, _identity(row))
        return {"sealed": nonce + box, "sealed_by": key.id}

    def open(self, sealed: bytes, by: str, *row: str) -> bytes:
        """The value, sealed by the key of this id. Raises `CannotStart` when that is not ours."""
        nonce, box = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for key in self._ring.keys:
            if by not in (key.id, UNKNOWN_KEY):
                continue
            try:
                return _cipher(key).decrypt(nonce, box, _identity(row))
            except InvalidTag:
                continue
        raise CannotStart(
            "A sealed value cannot be opened with this master key.",
            hint="Restore the master key that belongs to this database.",
        )


def _cipher(key: MasterKey) -> AESGCM:
    return AESGCM(key.subkey(Purpose.SEALING))


def _identity(row: tuple[str, ...]) -> bytes:
    return "\0".join(row).encode()
