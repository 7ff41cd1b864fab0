"""Draining: wait until no proxy sends anything to a replica any more."""

import asyncio
import logging
from datetime import UTC, datetime

from engine import deeds
from perdure.errors import Unavailable
from policy.drain import waiting_for
from spec.deeds import DrainOrder, DrainReport
from store.proxies import Proxies

UNKNOWN = "unknown proxies"

PAUSE = 0.05
"""Seconds between two looks at the proxies."""

log = logging.getLogger(__name__)


class Drains:
    """Asks each proxy with a valid lease what it knows and does."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies

    @deeds.drain.implemented
    async def drain(self, order: DrainOrder) -> DrainReport:
        """Until all live proxies have the table and nothing in flight, or the deadline."""
        while True:
            waiting = await self._waiting_for(order)
            if not waiting or datetime.now(UTC) >= order.deadline:
                return DrainReport(acknowledged=not waiting, waiting_for=waiting)
            await asyncio.sleep(PAUSE)

    async def _waiting_for(self, order: DrainOrder) -> tuple[str, ...]:
        """Without the store nobody knows who sends: all do, until the deadline."""
        try:
            return waiting_for(order, await self._proxies.stats())
        except Unavailable as error:
            log.warning("Who still sends to a replica cannot be asked: %s", error.message)
            return (UNKNOWN,)
