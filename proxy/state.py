"""What one process knows of itself: its boot, its sources, whether it is ready."""

import time
import uuid
from collections.abc import Awaitable, Callable

from prometheus_client.registry import Collector

from perdure.health import Readiness
from proxy.plane import Plane
from spec.feed import ProxyStats

Verify = Callable[[], Awaitable[tuple[str, ...]]]


async def nothing_to_verify() -> tuple[str, ...]:
    """A fixed table is its own truth."""
    return ()


class State:
    """`feed` is the last sequence number taken in; `verify` names the runs that see it otherwise.

    `sdk` is what Temporal's SDK measures; None while there is no client of it.
    `temporal_up` and `api_up` are None while nobody asks them; `keyless` says why nobody can.
    """

    def __init__(self) -> None:
        self.boot = uuid.uuid4().hex
        self.table_known = self.tokens_known = False
        self.feed = 0
        self.temporal_up: bool | None = None
        self.api_up: bool | None = None
        self.keyless = ""
        self.sdk: Collector | None = None
        self.heard_at = self.fed_at = time.monotonic()
        self.verify: Verify = nothing_to_verify

    @property
    def ready(self) -> bool:
        """Whether requests get right answers: from this start's sources, or the last one's."""
        return self.table_known and self.tokens_known

    def readiness(self, plane: Plane) -> Readiness:
        """What is not known yet; and who is away, without whom what is known is served."""
        missing = {}
        if plane.stopping:
            missing["listener"] = "The process stops."
        if not self.table_known:
            missing["table"] = "The routes are not known yet: Temporal has not answered."
        if not self.tokens_known:
            missing["feed"] = "The tokens are not known yet: the internal API has not answered."
        away = {}
        if self.temporal_up is False:
            away["temporal"] = "Temporal does not answer: the last known routes are served."
        if self.api_up is False:
            away["api"] = "The internal API does not answer: the last known tokens count."
        if self.keyless:
            (away if self.ready else missing)["key"] = self.keyless
        return Readiness(missing, away)

    def stats(self, plane: Plane) -> ProxyStats:
        """For the drain of replicas and for the load board."""
        return ProxyStats(
            boot=self.boot,
            feed=self.feed,
            tables=plane.table.marks(),
            in_flight=plane.table.in_flight(),
            finished=plane.table.finished(),
            arrived=plane.table.arrived(),
            held=plane.table.held(),
            run_in_flight=plane.table.run_in_flight(),
            run_finished=plane.table.run_finished(),
        )
