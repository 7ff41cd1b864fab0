"""Draining: wait until no proxy sends anything to a replica any more."""

import asyncio
from datetime import UTC, datetime

from engine import deeds
from policy.drain import waiting_for
from spec.deeds import DrainOrder, DrainReport
from store.proxies import Proxies

PAUSE = 0.05
"""Seconds between two looks at the proxies."""


class Drains:
    """Asks each proxy with a valid lease what it knows and does."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies

    @deeds.drain.implemented
    async def drain(self, order: DrainOrder) -> DrainReport:
        """Until all live proxies have the table and nothing in flight, or the deadline."""
        while True:
            waiting = waiting_for(order, await self._proxies.stats())
            if not waiting or datetime.now(UTC) >= order.deadline:
                return DrainReport(acknowledged=not waiting, waiting_for=waiting)
            await asyncio.sleep(PAUSE)
