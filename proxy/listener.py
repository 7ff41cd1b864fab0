"""The public listening socket: opened here, or inherited from whoever keeps it."""

import socket
from pathlib import Path

from perdure.errors import CannotStart, sentence

BACKLOG = 4096
"""Connections that wait to be accepted. One value for all: the last `listen` on a socket wins."""


def inherited(descriptor: int) -> socket.socket:
    """The socket behind a descriptor that this process was started with."""
    try:
        listener = socket.socket(fileno=descriptor)
        listener.listen(BACKLOG)
    except OSError as error:
        raise CannotStart(
            sentence(f"Descriptor {descriptor} is not a listening socket: {error}")
        ) from error
    return listener


def opened(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A new one. `shared`: other processes may listen on the same port (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Cannot listen on `{host}:{port}`: {error.strerror}.",
            hint="Stop what listens there, or choose another port.",
        ) from error
    return listener


def private(address: str) -> socket.socket:
    """A socket for our own people: `unix:///PATH` (mode 0600), or `tcp://HOST:PORT`."""
    scheme, _, rest = address.partition("://")
    if scheme != "unix":
        return opened(*host_and_port(rest))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        Path(rest).unlink(missing_ok=True)
        listener.bind(rest)
        Path(rest).chmod(0o600)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(f"Cannot listen on `{rest}`: {error.strerror or error}.") from error
    return listener


def host_and_port(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT`, or `:PORT` for this machine only. Raises `CannotStart`."""
    host, _, port = text.rpartition(":")
    if not port.isdigit():
        raise CannotStart(f"`{text}` is not an address such as `127.0.0.1:3000`.")
    return host.strip("[]") or "127.0.0.1", int(port)
