"""A bound on how many streams of events are open at once: each asks Temporal or the store."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from perdure.errors import RateLimited

MOST = 64
"""Of one token, in one process: a person has a few, a pipeline one for each run that it applies."""


class OpenStreams:
    """Counts the open streams of each token."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    @contextmanager
    def of(self, token: str) -> Iterator[None]:
        """One more, as long as the context lasts. Raises `RateLimited` when there are too many."""
        if self._open[token] >= self._most:
            raise RateLimited(
                f"This token has {self._most} streams of events open, the most that it may.",
                hint="End one, such as a `perdure logs` or an attached `perdure apply`.",
            )
        self._open[token] += 1
        try:
            yield
        finally:
            self._open[token] -= 1
            if not self._open[token]:
                del self._open[token]
