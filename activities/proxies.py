"""The proxies: what each of them knows and does, as it tells itself."""

import asyncio
from urllib.parse import urlsplit

import httpx

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
    parts = urlsplit(address)
    transport = httpx.AsyncHTTPTransport(uds=parts.path) if parts.scheme == "unix" else None
    host = parts.netloc or "proxy"
    try:
        async with httpx.AsyncClient(
            transport=transport, timeout=ANSWER_TIME, trust_env=False
        ) as client:
            answer = await client.get(f"http://{host}/stats")
            return ProxyStats.model_validate_json(answer.content) if answer.is_success else None
    except httpx.HTTPError:
        return None
