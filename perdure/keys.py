"""The master key of a server, and the keys that are made from it, one per purpose."""

import os
import secrets
import stat
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from perdure.errors import CannotStart

SIZE = 32  # bytes: AES-256, and what HKDF-SHA-256 gives in one block


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

    def subkey(self, purpose: Purpose) -> bytes:
        """32 bytes for one purpose (HKDF-SHA-256, RFC 5869); the same ones each time."""
        return _derived(self._secret, purpose)

    @classmethod
    def load(cls, path: Path) -> "MasterKey":
        """Read the key. Raises `CannotStart` when it is not there, readable by others or cut."""
        return cls(read_secret(path, "master key", size=SIZE))

    @classmethod
    def load_or_create(cls, path: Path) -> "MasterKey":
        """Read the key; at the first start make one, atomically. Raises `CannotStart`."""
        create_secret(path, secrets.token_bytes(SIZE))
        return cls.load(path)


def authenticity_key(path: Path) -> bytes:
    """What marks public payloads as ours, from the internal key: proxies have no master key.

    Raises `CannotStart` when the key cannot be read.
    """
    return _derived(read_secret(path, "internal key").strip(), Purpose.AUTHENTICITY)


def _derived(secret: bytes, purpose: Purpose) -> bytes:
    info = f"perdure/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=SIZE, salt=None, info=info).derive(secret)


def create_secret(path: Path, secret: bytes) -> bool:
    """Write a secret for its owner only, whole or not at all; False when there was one already.

    Two processes that do this at once agree on one secret. Raises `CannotStart`.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            return False
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secret)
                file.flush()
                os.fsync(file.fileno())
            os.link(new, path)
            _keep_name(path.parent)
        except FileExistsError:
            return False
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise CannotStart(f"`{path}` cannot be written: {error.strerror}.") from error
    return True


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_secret(path: Path, name: str, *, size: int | None = None) -> bytes:
    """The content of a secret file. Raises `CannotStart` when others may read it, or it is cut."""
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
    if size is not None and len(secret) != size:
        raise CannotStart(
            f"The {name} `{path}` has {len(secret)} bytes, not {size}.",
            hint="Restore it from the backup: a new one cannot read what the old one protects.",
        )
    return secret
