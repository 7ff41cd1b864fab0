"""What an `ssh://` address of a replica says. Pure."""

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from perdure.errors import InvalidInput
from spec.route import tunnel_socket

# Narrower than `spec.route.Address`: these words become arguments and lines of files of ssh's.
_ADDRESS = re.compile(
    r"ssh://(?P<user>\w[\w.-]*)@(?P<host>\[[0-9a-f:.]+\]|\w[\w.-]*):(?P<port>\d{1,5})"
    r"#(?P<host_key>[a-z0-9][a-z0-9@.-]* [A-Za-z0-9+/]+={0,2})"
    r"/(?P<target>(\[[0-9a-f:.]+\]|\w[\w.-]*):\d{1,5})",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class Remote:
    """A machine that is reached by ssh. `host_key` is pinned: `TYPE BASE64`, nothing else."""

    user: str
    host: str
    port: int
    host_key: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"

    @cached_property
    def name(self) -> str:
        """Names its files; differs when anything of it does, the host key included."""
        return sha256(f"{self}#{self.host_key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, order=True)
class Tunnel:
    """From its socket to `target` (`HOST:PORT`), as seen from `remote`."""

    remote: Remote
    target: str
    address: str

    @cached_property
    def socket(self) -> str:
        """Its file's name, under which proxies look for it."""
        return tunnel_socket(self.address)


def tunnel(address: str) -> Tunnel:
    """Of `ssh://USER@HOST:PORT#HOST-KEY/HOST:PORT`. Raises `InvalidInput`."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise InvalidInput(
            f"`{address}` is not the address of a tunnel.",
            hint="It has the form `ssh://USER@HOST:PORT#ssh-ed25519 BASE64/HOST:PORT`.",
        )
    remote = Remote(found["user"], found["host"].strip("[]"), int(found["port"]), found["host_key"])
    return Tunnel(remote, found["target"], address)
