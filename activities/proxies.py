"""The proxies: what each of them knows and does, as it tells itself."""

import asyncio

import httpx

from perdure.http_client import http_client
from spec.feed import ProxyStats
from store.leases import Leases

ANSWER_TIME = 2.0
"""Seconds in which a proxy must tell its numbers."""


class Proxies:
    """All proxy processes with a valid lease."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    async def stats(self) -> dict[str, ProxyStats | None]:
        """The numbers of each now, by its boot; None of one that does not tell them in time."""
        live = await self._leases.live()
        told = await asyncio.gather(*(_stats(lease.stats) for lease in live))
        return {lease.boot: stats for lease, stats in zip(live, told, strict=True)}


async def _stats(address: str) -> ProxyStats | None:
    try:
        async with http_client(address, timeout=ANSWER_TIME) as proxy:
            answer = await proxy.get("/stats")
            return ProxyStats.model_validate_json(answer.content) if answer.is_success else None
    except httpx.HTTPError:
        return None
