"""By which a request is found in the logs of whom it passes: the client's own id, or ours."""

import os
import re
from itertools import count

_SANE = re.compile(rb"[\x20-\x7e]{1,128}")
"""Printable ASCII: an id ends up in logs and on terminals."""


class RequestIds:
    """New ids, of 32 hex digits: a random half for each process, and a counter."""

    __slots__ = ("_numbers", "_start")

    def __init__(self) -> None:
        self._start = b"x-request-id: %b" % os.urandom(8).hex().encode()
        self._numbers = count()

    def line(self) -> bytes:
        """A whole header line with the next one."""
        return b"%b%016x\r\n" % (self._start, next(self._numbers))


def line_of(given: bytes) -> bytes:
    """A whole header line with a client's own id; empty when that is none to be passed on."""
    return b"x-request-id: %b\r\n" % given if _SANE.fullmatch(given) else b""
