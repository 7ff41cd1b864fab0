"""The public listening socket: taken over from the holder of an earlier life, or opened."""

import errno
import socket
from contextlib import suppress
from pathlib import Path

from perdure.errors import CannotStart

BACKLOG = 4096
"""Connections that wait. Whoever calls `listen` last sets it for all who share the socket."""
HOLDER_PATIENCE = 2.0  # seconds


def taken_over(door: Path, host: str, port: int) -> socket.socket | None:
    """The socket that a holder has for this address, if there is one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
        caller.settimeout(HOLDER_PATIENCE)
        with suppress(OSError):
            caller.connect(str(door))
            _, descriptors, _, _ = socket.recv_fds(caller, 16, 1)
            listener = socket.socket(fileno=descriptors[0])
            if listener.getsockname()[:2] == (host, port):
                return listener
            listener.close()
    return None


def opened(host: str, port: int) -> socket.socket:
    """A new socket. Raises `CannotStart` when the address is in use, or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"Port {port} of {host} is in use by another program.",
                hint=f"See which by `ss -ltnp 'sport = :{port}'`, or choose another by "
                "`PERDURE_PORT`.",
            ) from error
        raise CannotStart(
            f"Cannot listen on {host}, port {port}: {(error.strerror or str(error)).lower()}.",
            hint="Set `PERDURE_HOST` and `PERDURE_PORT`.",
        ) from error
