"""Keys as a living process has them: read again when their file was replaced, without a restart."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from perdure.errors import CannotStart
from perdure.keys import MasterKey, Purpose, read_master_keys

log = logging.getLogger(__name__)

Kept = TypeVar("Kept")
Keys = Callable[[], tuple[bytes, ...]]
"""The keys of one purpose, now: the first is for what is new, all are for what there is."""


class KeyFile(Generic[Kept]):
    """What a key file holds. Each use looks whether it was replaced, which takes a microsecond.

    When it cannot be read any more, what was known stays.
    """

    def __init__(self, path: Path, read: Callable[[Path], Kept]) -> None:
        """Raises what `read` raises."""
        self._path, self._read = path, read
        self._seen = self._stamp()
        self._kept = read(path)

    def __call__(self) -> Kept:
        """What it holds now."""
        stamp = self._stamp()
        if stamp is not None and stamp != self._seen:
            try:
                self._kept = self._read(self._path)
            except CannotStart as error:
                log.warning("%s What was known of it stays in use", error.message)
            self._seen = stamp
        return self._kept

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return (seen.st_ino, seen.st_mtime_ns, seen.st_size, seen.st_mode)


class KeyRing:
    """The master keys. The first one seals; the others only open what was sealed before."""

    def __init__(self, path: Path) -> None:
        """Raises `CannotStart` when they cannot be read."""
        self.path = path
        self._file = KeyFile(path, read_master_keys)

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """All of them, as the file is now."""
        return self._file()

    @property
    def current(self) -> MasterKey:
        """The one that seals."""
        return self.keys[0]

    def sub(self, purpose: Purpose) -> Keys:
        """The sub-keys of a purpose, of all keys in their order."""
        return lambda: tuple(key.subkey(purpose) for key in self.keys)
