"""A new master key, and the end of an old one: whole at every moment, wherever it is killed.

The file of keys is replaced in one step, and is all that decides: a new first key seals from then
on. What follows from it, the check of the data directory and the seals of the rows, is settled
after, as often as it takes; until then the old keys, which stay in the file, open what they sealed.
"""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from perdure import lock
from perdure.data_dir import DataDir
from perdure.errors import Conflict, NotFound
from perdure.key_ring import KeyRing
from perdure.keys import (
    SIZE,
    MasterKey,
    Purpose,
    read_master_keys,
    remove_leftovers,
    replace_secret,
)
from store.resealing import Resealed, Resealing
from store.sealing import UNKNOWN_KEY

BY_HAND = (
    "Where the file is brought here by something else, have that bring one with a new key before "
    "the old one: 32 random bytes, then what is there now."
)


class MasterKeys:
    """The keys in the file, and the rows that each has sealed."""

    def __init__(self, ring: KeyRing, data: DataDir, resealing: Resealing) -> None:
        self._ring = ring
        self._data = data
        self._resealing = resealing

    def all(self) -> tuple[MasterKey, ...]:
        """The one that seals, then the older ones."""
        return self._ring.keys

    async def rows(self) -> Counter[str]:
        """How many rows each key has sealed, by its id."""
        return await self._resealing.counts()

    async def rotate(self) -> Resealed:
        """Seal by a new key from now on. Raises `Conflict`."""
        await asyncio.to_thread(self._add)
        return await self.settle()

    async def settle(self) -> Resealed:
        """Bring everything to the current key; nothing happens when it is there."""
        with suppress(Conflict):  # who is changing the keys settles after that
            await asyncio.to_thread(self._settle_check)
        return await self._resealing.run()

    async def forget(self, key: str) -> None:
        """Drop an old key for good. Raises `NotFound`, `Conflict` while a row needs it.

        What it has sealed in Temporal is for the caller to know.
        """
        if key == self._ring.current.id:
            raise Conflict(
                f"The key `{key}` is the one that seals.",
                hint="`perdure key rotate` makes another.",
            )
        if key not in {each.id for each in self._ring.keys}:
            raise NotFound(f"There is no master key `{key}`.", hint="`perdure key list` has them.")
        await self.settle()
        rows = await self.rows()
        left = rows[key] + rows[UNKNOWN_KEY]
        if left:
            raise Conflict(
                f"The key `{key}` is still needed by {left} sealed values of the store.",
                hint="See the API's log.",
            )
        await asyncio.to_thread(self._drop, key)

    def _add(self) -> None:
        with self._changing() as secret:
            replace_secret(self._ring.path.resolve(), secrets.token_bytes(SIZE) + secret)
            self._check()

    def _drop(self, key: str) -> None:
        with self._changing() as secret:
            self._check()
            pieces = [secret[at : at + SIZE] for at in range(0, len(secret), SIZE)]
            kept = b"".join(piece for piece in pieces if MasterKey(piece).id != key)
            replace_secret(self._ring.path.resolve(), kept)

    def _settle_check(self) -> None:
        with self._changing():
            for path in (self._ring.path.resolve(), self._data.master_key_check):
                remove_leftovers(path)
            self._check()

    def _check(self) -> None:
        """The check is that of a key in the file at any time; here, of the one that stays."""
        first, *_ = read_master_keys(self._ring.path)
        check = first.subkey(Purpose.CHECK).hex().encode()
        if self._data.master_key_check.read_bytes().strip() != check:
            replace_secret(self._data.master_key_check, check)

    @contextmanager
    def _changing(self) -> Iterator[bytes]:
        """Be the only one who changes the file; its content. Raises `Conflict`."""
        descriptor = lock.open_lock(self._data.run / "keys.lock")
        try:
            if not lock.take(descriptor):
                raise Conflict("The keys are being changed by another process.")
            read_master_keys(self._ring.path)
            yield self._ring.path.read_bytes()
        except OSError as error:
            raise Conflict(
                f"`{self._ring.path}` cannot be changed: {(error.strerror or '').lower()}.",
                hint=BY_HAND,
            ) from error
        finally:
            os.close(descriptor)
