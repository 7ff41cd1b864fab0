"""Where a replica's address leads. Pure."""

from dataclasses import dataclass
from pathlib import Path

from spec.route import tunnel_socket


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A TCP `host` and `port`, or the unix socket at `path`.

    `tunnelled`: a connection says nothing of what is behind it, since the tunnel accepts anyway.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    tunnelled: bool = False

    @property
    def authority(self) -> bytes:
        """For a `Host` header, where the client sent none."""
        if self.path:
            return b"localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}".encode()


def endpoint(address: str, tunnels: Path) -> Endpoint:
    """Of a checked `spec.route.Address`. Tunnels have their sockets in `tunnels`, by hash."""
    scheme, _, rest = address.partition("://")
    if scheme == "unix":
        return Endpoint(path=rest)
    if scheme == "ssh":
        return Endpoint(path=str(tunnels / tunnel_socket(address)), tunnelled=True)
    host, _, port = rest.rpartition(":")
    return Endpoint(host=host.strip("[]"), port=int(port))
