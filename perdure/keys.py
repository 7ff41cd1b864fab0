"""The master keys of a server, and the keys that are made from them, one per purpose."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from perdure.errors import CannotStart

SIZE = 32  # bytes: AES-256, and what HKDF-SHA-256 gives in one block
ID_DIGITS = 12
"""Of a key's id: enough to tell a few keys apart."""


class Purpose(StrEnum):
    """What a sub-key is for. A value never changes: what it protected must stay readable."""

    PAYLOADS = "payloads"
    SEALING = "sealing"
    DIGESTS = "digests"
    SESSIONS = "sessions"
    AUTHENTICITY = "authenticity"
    CHECK = "check"


class MasterKey:
    """32 secret bytes. Only sub-keys leave it."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SIZE:
            raise ValueError(f"a master key has {SIZE} bytes")
        self._secret = secret
        self._made: dict[Purpose, bytes] = {}

    def __reduce__(self) -> NoReturn:
        """A key is not to be copied to anywhere."""
        raise TypeError("a master key cannot be pickled")

    @property
    def id(self) -> str:
        """A name for people, which tells nothing of the key: the beginning of its check."""
        return self.subkey(Purpose.CHECK).hex()[:ID_DIGITS]

    def subkey(self, purpose: Purpose) -> bytes:
        """32 bytes for one purpose (HKDF-SHA-256, RFC 5869); the same ones each time."""
        if purpose not in self._made:
            self._made[purpose] = _derived(self._secret, purpose)
        return self._made[purpose]


def read_master_keys(path: Path) -> tuple[MasterKey, ...]:
    """The keys of a file of 32 bytes each: the first one seals, the others open what is older.

    Raises `CannotStart` when the file is not there, readable by others or cut.
    """
    content = read_secret(path, "master key")
    if not content or len(content) % SIZE:
        raise CannotStart(
            f"The master key `{path}` has {len(content)} bytes, not {SIZE} for each key in it.",
            hint="Restore it from the backup: a new one cannot read what the old one protects.",
        )
    return tuple(MasterKey(content[at : at + SIZE]) for at in range(0, len(content), SIZE))


def create_master_key(path: Path) -> bool:
    """Make one at the first start, atomically; False when there is one. Raises `CannotStart`."""
    return create_secret(path, secrets.token_bytes(SIZE))


def read_internal_keys(path: Path) -> tuple[str, ...]:
    """The keys of our processes, a line each: the first is theirs now, the others are older.

    Raises `CannotStart` when they cannot be read.
    """
    lines = read_secret(path, "internal key").decode(errors="replace").splitlines()
    keys = tuple(line.strip() for line in lines if line.strip())
    if not keys:
        raise CannotStart(
            f"The internal key `{path}` is empty.", hint="Restore it from the backup."
        )
    return keys


def read_authenticity_keys(path: Path) -> tuple[bytes, ...]:
    """What marks public payloads as ours, from the internal keys: proxies have no master key.

    Raises `CannotStart` when these cannot be read.
    """
    return tuple(_derived(key.encode(), Purpose.AUTHENTICITY) for key in read_internal_keys(path))


def _derived(secret: bytes, purpose: Purpose) -> bytes:
    info = f"perdure/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=SIZE, salt=None, info=info).derive(secret)


def create_secret(path: Path, secret: bytes) -> bool:
    """Write a secret for its owner only, whole or not at all; False when there was one already.

    Two processes that do this at once agree on one secret. Raises `CannotStart`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            return False
        with _written_beside(path, secret) as new:
            try:
                os.link(new, path)
            except FileExistsError:
                return False
            _keep_name(path.parent)
    except OSError as error:
        raise CannotStart(f"`{path}` cannot be written: {error.strerror}.") from error
    return True


def replace_secret(path: Path, secret: bytes) -> None:
    """Put another secret in the place of one, whole or not at all. Raises `OSError`.

    What an earlier try left, which was killed, goes: one process at a time may do this.
    """
    remove_leftovers(path)
    with _written_beside(path, secret) as new:
        new.replace(path)
        _keep_name(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove what tries to write this secret have left which were killed. Raises `OSError`."""
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)


@contextmanager
def _written_beside(path: Path, secret: bytes) -> Iterator[Path]:
    """A file with the secret, for its owner only and safe on disk, in the same folder."""
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        yield new
    finally:
        new.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_secret(path: Path, name: str) -> bytes:
    """The content of a secret file. Raises `CannotStart` when it is not there, or others' too."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            secret = file.read()
    except OSError as error:
        raise CannotStart(
            f"The {name} cannot be read: `{path}`: {(error.strerror or '').lower()}.",
            hint="Restore it from the backup; without it nothing that it protects can be read.",
        ) from error
    if mode & 0o077:
        raise CannotStart(
            f"The {name} `{path}` can be read by others (mode {mode:04o}).",
            hint=f"Run `chmod 600 {path}`; if others had access to this machine, replace it.",
        )
    return secret
