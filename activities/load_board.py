"""The load board: what all proxies counted, read once a tick for all watches of this process."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from perdure.errors import PerdureError
from spec.feed import ProxyStats
from spec.load import Figures
from spec.names import is_of_run
from store.proxies import Proxies

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Wait:
    """One watch that waits for figures of its service, which are other than the `last` ones."""

    service: str
    last: Figures | None
    done: asyncio.Future[Figures]
    since: datetime | None = None

    def hear(self, figures: Figures) -> None:
        """What was read now."""
        if self.last is not None and figures.is_like(self.last):
            self.since = figures.at
        elif not self.done.done():
            self.done.set_result(figures.model_copy(update={"since": self.since}))


class LoadBoard:
    """It reads as long as somebody waits at it, every `tick` seconds."""

    def __init__(self, proxies: Proxies, tick: float) -> None:
        self._proxies = proxies
        self._tick = tick
        self._waiting: set[Wait] = set()
        self._reading: asyncio.Task[None] | None = None

    async def next(self, service: str, other_than: Figures | None = None) -> Figures:
        """The figures of a service (`project/run`) after the next reading.

        With `other_than`, the next ones that are different from these.
        """
        wait = Wait(service, other_than, asyncio.get_running_loop().create_future())
        self._waiting.add(wait)
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        reading = self._reading
        either: set[asyncio.Future[Any]] = {wait.done, reading}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not wait.done.done():
                reading.result()  # what ended it ends this deed, and its next attempt reads anew
            return wait.done.result()
        finally:
            self._waiting.discard(wait)

    async def _read(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._tick)
            try:
                told = await self._proxies.stats()
            except PerdureError as error:
                log.warning("The proxies' numbers cannot be asked for: %s", error.message)
                continue
            at = datetime.now(UTC)
            for wait in tuple(self._waiting):
                wait.hear(figures_of(wait.service, told, at))


def figures_of(service: str, told: Mapping[str, ProxyStats | None], at: datetime) -> Figures:
    """What the proxies tell of one service; without any that tells, nothing is known."""
    known = {boot: stats for boot, stats in told.items() if stats is not None}
    in_flight: dict[str, int] = {}
    project, _, run = service.partition("/")
    for stats in known.values():
        for replica, count in stats.in_flight.items():
            if count and is_of_run(replica, project, run):
                in_flight[replica] = in_flight.get(replica, 0) + count
    return Figures(
        at=at,
        arrived={boot: stats.arrived.get(service, 0) for boot, stats in known.items()},
        busy=sum(stats.busy(service) for stats in known.values()),
        in_flight=in_flight,
        is_whole=bool(known) and len(known) == len(told),
    )
