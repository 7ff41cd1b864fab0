"""Ports that are ours from their choice on, also while what listens on them is started again."""

import socket
from types import TracebackType
from typing import Self


class Reservations:
    """Of one process, until it ends; other servers of this machine choose other ports.

    A port alone is free until its process listens, and again when that has died: another server
    that took it then would be the one that our processes talk to. A reservation is a unix socket
    with an abstract name: known as far as ports are, and gone with its process.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for port in list(self._held):
            self.release(port)

    def take(self, port: int) -> bool:
        """Whether it is ours now."""
        if port in self._held:
            return True
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0perdure/port/{port}")
        except OSError:
            claim.close()
            return False
        self._held[port] = claim
        return True

    def release(self, port: int) -> None:
        """Leave it to others."""
        self._held.pop(port).close()
