"""The key pair by which other machines know this one's tunnels."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from perdure.errors import CannotStart
from perdure.keys import create_secret, read_secret

COMMENT = "perdure-tunnels"


def load_or_create(path: Path) -> str:
    """The public half, as a line of `authorized_keys`; both are made at the first start.

    The private half is at `path`, for its owner only, the public one beside it with `.pub`. Raises
    `CannotStart` when the private one can be read by others, or is not an ssh key.
    """
    create_secret(
        path,
        Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
        ),
    )
    try:
        private = load_ssh_private_key(read_secret(path, "key of the tunnels"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CannotStart(
            f"The key of the tunnels `{path}` is not an ssh key without a passphrase.",
            hint="Restore it from the backup, or remove it: the next start makes a new one, which "
            "the machines have to be told.",
        ) from error
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    line = f"{public} {COMMENT}"
    beside = path.with_name(f"{path.name}.pub")
    if not beside.exists() or beside.read_text() != f"{line}\n":
        beside.write_text(f"{line}\n")
    return line
