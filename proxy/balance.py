"""Which replica gets a request: the less busy of two at random, and nobody who just failed."""

import re
from collections.abc import Collection, Sequence
from random import random
from typing import TYPE_CHECKING

from proxy.addresses import Endpoint
from proxy.stats import Durations

if TYPE_CHECKING:
    from proxy.upstream import UpstreamConnection

FIRST_EJECTION = 1.0
"""Seconds; doubled with each failure in a row, so that a flapping replica costs little."""

LONGEST_EJECTION = 30.0

_NUMBER = re.compile(r"r\d+-g\d+")
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


class Replica:
    """A replica as this process sees it. `id` is its identity; addresses may come back.

    `line` is the whole header line that names it to clients; `finished` only grows. `durations` are
    those of its service.
    """

    __slots__ = (
        "durations",
        "ejected_until",
        "endpoint",
        "failures",
        "finished",
        "id",
        "idle",
        "in_flight",
        "left_at",
        "line",
        "model_prefix",
    )

    def __init__(self, replica_id: str, endpoint: Endpoint, model_prefix: bytes = b"") -> None:
        self.id = replica_id
        self.endpoint = endpoint
        self.model_prefix = model_prefix
        self.idle: list[UpstreamConnection] = []
        self.line = _naming(replica_id)
        self.in_flight = self.finished = 0
        self.durations = Durations()
        self.failures = 0
        self.ejected_until = 0.0
        self.left_at = 0.0

    def leave(self, now: float) -> None:
        """It takes no new requests; those in flight go on."""
        self.left_at = self.left_at or now
        self.close_idle()

    def close_idle(self) -> None:
        """Close the kept connections."""
        idle, self.idle = self.idle, []
        for connection in idle:
            connection.close()

    def close_idle_since(self, moment: float) -> None:
        """Close those that were put aside before `moment`."""
        for connection in [each for each in self.idle if each.parked_at < moment]:
            connection.close()

    def failed(self, now: float) -> None:
        """It could not be reached, or ended a connection without a reply: out for a while."""
        self.failures += 1
        pause = min(LONGEST_EJECTION, FIRST_EJECTION * 2.0 ** min(self.failures - 1, 10))
        self.ejected_until = now + pause
        self.close_idle()

    def answered(self) -> None:
        """It replied: what was held against it is forgotten."""
        self.failures, self.ejected_until = 0, 0.0


class Claim:
    """One request in flight on a replica: counted once, and given back once."""

    __slots__ = ("_open", "replica")

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self._open = True
        replica.in_flight += 1

    def finish(self) -> None:
        """The replica has had it. Again: nothing."""
        if self._open:
            self._open = False
            self.replica.in_flight -= 1
            self.replica.finished += 1

    def release(self) -> None:
        """Give it back: the replica did not get it. Again: nothing."""
        if self._open:
            self._open = False
            self.replica.in_flight -= 1


def _naming(replica_id: str) -> bytes:
    """Its number, as in `r0-g1`, is enough where the run is known; other ids are told whole."""
    number = replica_id.rpartition("/")[2]
    told = number if _NUMBER.fullmatch(number) else _UNPRINTABLE.sub("?", replica_id)
    return b"x-perdure-replica: %b\r\n" % told.encode()


def choose(ready: Sequence[Replica], now: float, tried: Collection[Replica] = ()) -> Replica | None:
    """The replica for a request; None when all were `tried`. The last one is never ejected."""
    if tried:
        ready = [each for each in ready if each not in tried]
    count = len(ready)
    if count == 1:
        return ready[0]
    if not count:
        return None
    # ruff: noqa: S311 - it spreads load, it guards nothing
    at = int(random() * count)
    first = ready[at]
    second = ready[at - 1] if count == 2 else ready[at - 1 - int(random() * (count - 1))]
    if first.ejected_until > now or second.ejected_until > now:
        well = [each for each in ready if each.ejected_until <= now]
        return choose(well, now) if well else min(ready, key=lambda each: each.ejected_until)
    return first if first.in_flight <= second.in_flight else second
