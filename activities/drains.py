"""Draining: wait until no proxy sends anything to a replica any more."""

import asyncio
from datetime import UTC, datetime

import httpx

from activities.crash import crash_point
from engine import deeds
from perdure.http_client import http_client
from spec.deeds import DrainOrder, DrainReport
from spec.feed import ProxyStats
from store.database import Store
from store.leases import LiveProxy

PAUSE = 0.05
"""Seconds between two looks at the proxies."""

ANSWER_TIME = 2.0
"""Seconds in which a proxy must tell its numbers; else it has not acknowledged."""


class Drains:
    """Asks each proxy with a valid lease what it knows and does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @deeds.drain.implemented
    async def drain(self, order: DrainOrder) -> DrainReport:
        """Until all live proxies have the table and nothing in flight, or the deadline."""
        while True:
            crash_point("drain")
            leases = await self._store.leases.live()
            answers = await asyncio.gather(*(self._let_go(order, lease) for lease in leases))
            waiting = tuple(
                lease.boot for lease, gone in zip(leases, answers, strict=True) if not gone
            )
            if not waiting or datetime.now(UTC) >= order.deadline:
                return DrainReport(acknowledged=not waiting, waiting_for=waiting)
            await asyncio.sleep(PAUSE)

    async def _let_go(self, order: DrainOrder, lease: LiveProxy) -> bool:
        stats = await _stats(lease.stats)
        if stats is None:
            return False
        mark = stats.tables.get(f"{order.project}/{order.run}")
        if mark is not None and mark.incarnation == order.incarnation:
            knows = mark.version >= order.route_version
        else:
            knows = mark is None and order.replica not in stats.in_flight
        return knows and stats.in_flight.get(order.replica, 0) == 0


async def _stats(address: str) -> ProxyStats | None:
    """A proxy's numbers; None when it does not tell them in time."""
    try:
        async with http_client(address, timeout=ANSWER_TIME) as proxy:
            answer = await proxy.get("/stats")
            return ProxyStats.model_validate_json(answer.content) if answer.is_success else None
    except httpx.HTTPError:
        return None
