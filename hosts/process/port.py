"""Whether a port of this machine is free for a replica: all of them share one network."""

import errno
import socket
from collections.abc import Iterable
from pathlib import Path

from hosts.process.folder import Record, ReplicaFolder
from perdure.errors import RuntimeUnsupported
from spec.job import Job, JobPhase

UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def first_unprivileged() -> int:
    """The first port that an account other than root may listen on."""
    return int(UNPRIVILEGED.read_text())


def require_free(job: Job, others: Iterable[tuple[ReplicaFolder, Record]]) -> None:
    """Raise `RuntimeUnsupported` when the job's port belongs to another replica, or is listened on.

    A replica that has just started may not listen yet, so its record counts as well.
    """
    for folder, record in others:
        taken = record.port == job.port and record.token != job.token
        if taken and folder.state().phase is not JobPhase.EXITED:
            raise _in_use(job.port, "another replica")
    if is_listened_on(job.port):
        raise _in_use(job.port, "another program")


def is_listened_on(port: int) -> bool:
    """Whether a new listener on any address of this machine would be refused."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EACCES):
                raise
    return False


def _in_use(port: int, whose: str) -> RuntimeUnsupported:
    return RuntimeUnsupported(
        f"`port` {port} is in use on this machine, by {whose}.",
        hint="Replicas of the process runtime share the machine's ports: choose another, or use "
        "Docker.",
    )
