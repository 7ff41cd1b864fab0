"""Requests that may be asked twice: an answer that was lost is asked for again."""

import time
from collections.abc import Callable
from typing import TypeVar

from httpx import ConnectError

from perdure.errors import Unavailable

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds for which a server that went away while it was asked is waited for: an upgrade of the
embedded one takes a few, a machine that swaps hangs for a minute."""
PAUSE = 1.0
"""Seconds between two questions."""


def persist(
    ask: Callable[[], T],
    *,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What `ask` returns; it must be idempotent.

    Raises the error that the server answers, `ServerUnreachable` at once when nobody was there to
    be asked in the first place, and the last `Unavailable` when the server was away for too long.
    """
    deadline = clock() + patience
    asked = False
    while True:
        try:
            return ask()
        except Unavailable as error:
            nobody = isinstance(error.__cause__, ConnectError)
            if (nobody and not asked) or clock() > deadline:
                raise
        asked = True
        sleep(PAUSE)


def patiently(
    ask: Callable[[], T],
    *,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What `ask` returns, of a server that answered before and may be away for a while.

    Raises the error that the server answers, and the last `Unavailable` when it was away for
    too long.
    """
    deadline = clock() + patience
    while True:
        try:
            return ask()
        except Unavailable:
            if clock() > deadline:
                raise
        sleep(PAUSE)
