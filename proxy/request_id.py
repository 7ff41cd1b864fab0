"""By which a request is found in the logs of whom it passes: the client's own id, or ours."""

import os
import re
from collections.abc import Iterator
from itertools import count

_SANE = re.compile(rb"[\x20-\x7e]{1,128}")
"""Printable ASCII: an id ends up in logs and on terminals."""

_ENDS = tuple(b"%02x\r\n" % number for number in range(256))
"""Of 256 lines in a row. Formatting each of them anew costs as much as the balancing."""


def new_lines() -> Iterator[bytes]:
    """Whole header lines with new ids, for ever: 32 hex digits, half random, then a counter."""
    start = b"x-request-id: %b" % os.urandom(8).hex().encode()
    for number in count():
        block = b"%b%014x" % (start, number)
        for end in _ENDS:
            yield block + end


def line_of(given: bytes) -> bytes:
    """A whole header line with a client's own id; empty when that is none to be passed on."""
    return b"x-request-id: %b\r\n" % given if _SANE.fullmatch(given) else b""
