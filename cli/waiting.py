"""A request that takes its time: shown at once on a terminal, and told everywhere after a while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cli.terminal import messages

LONG = 15.0
"""Seconds after which silence needs a word."""


@contextmanager
def waiting(doing: str, *, after: float = LONG) -> Iterator[None]:
    """Show what is waited for; say once, `after` so many seconds, where to look for the reason."""
    console = messages()
    told = threading.Timer(
        after,
        console.print,
        [
            f"The server has not answered for {after:g} s, and is waited for. On its machine "
            "`perdure doctor` tells what keeps it."
        ],
    )
    told.daemon = True
    with console.status(doing):
        told.start()
        try:
            yield
        finally:
            told.cancel()
