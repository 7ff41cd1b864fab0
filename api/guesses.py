"""A brake on guessing names: answers tell who and what exists, but not to many tries in a row.

A member is added by the name of a user, and a project's name is taken once: an honest answer to a
slip tells whether a name exists. Names are no secrets among those who share a server, so the
answers stay honest, and whoever goes through a list of names is slowed down.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from api.rate_limit import RateLimit
from perdure.errors import PerdureError, RateLimited
from store.tokens import Caller

MISSES_PER_SECOND, MISSES_AT_ONCE = 0.1, 20
"""Of one user, by whatever token: 20 slips of a person, then 360 an hour."""


class Guesses:
    """Counts the misses of each user. An admin of the server, who sees all names, is not counted.

    Once a user has had too many, also right guesses are refused for a while: their success would
    be the answer.
    """

    def __init__(self) -> None:
        self._misses = RateLimit(MISSES_PER_SECOND, MISSES_AT_ONCE)

    @contextmanager
    def of(self, caller: Caller, miss: type[PerdureError]) -> Iterator[None]:
        """What is done within is a guess, and `miss` tells that it missed. Raises `RateLimited`."""
        if caller.administers:
            yield
            return
        if not self._misses.would_allow(caller.user):
            raise RateLimited("Too many names were tried.", hint="Wait a few minutes.")
        try:
            yield
        except miss:
            self._misses.allows(caller.user)
            raise
