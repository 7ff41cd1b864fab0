"""Following a stream of events past the restarts of the server."""

import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from httpx_sse import ServerSentEvent

from cli.client import Client
from cli.persistence import PATIENCE
from perdure.errors import Unavailable

PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds between two attempts; the last one stays."""

STEADY = 10.0
"""Seconds after which a stream without events had been a good one when it breaks."""

Say = Callable[[str], None]


def follow(
    client: Client,
    where: str,
    filters: Mapping[str, str | int] = MappingProxyType({}),
    *,
    say: Say,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[ServerSentEvent]:
    """The events of `where`, without an end of their own: the caller leaves when it has enough.

    After a break it asks again for what comes `after` the last event that had an id, and says so
    once. Raises the error that the server answers, and the last `Unavailable` when the server was
    away for longer than `patience` seconds.
    """
    params = dict(filters)
    away_since, attempt = clock(), 0
    while True:
        trouble = Unavailable("The server ends the stream again and again.")
        asked_at = clock()
        try:
            with client.stream(where, **params) as events:
                for event in events.iter_sse():
                    if attempt > 1:
                        say("The server is back.")
                    attempt = 0
                    if event.id:
                        params["after"] = event.id
                    yield event
        except Unavailable as error:
            trouble = error
        if attempt == 0 or clock() - asked_at > STEADY:
            away_since, attempt = clock(), 0
        if clock() - away_since > patience:
            raise trouble
        if attempt == 1:
            say("The server does not answer; trying again …")
        sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
        attempt += 1
