"""The proxies: what each of them knows and does, as it tells itself."""

import asyncio

import httpx
from pydantic import ValidationError

from perdure.http_client import http_client
from spec.feed import ProxyStats
from store.leases import KnownProxy, Leases

ANSWER_TIME = 2.0
"""Seconds in which a proxy must tell its numbers."""


class Proxies:
    """All proxy processes with a valid lease, and those that answer without one.

    A lease is renewed through the API: that one is away does not mean that the proxies are, for
    however long.
    """

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    async def stats(self) -> dict[str, ProxyStats | None]:
        """The numbers of each now, by its boot; None of one that does not tell its own in time.

        Raises `Unavailable` when the store does not say who they are. At a unix socket, which is in
        a folder of ours, a successor of one that is gone tells its own; at a port anybody may
        listen who came after it, so there each tells of itself alone.
        """
        known = await self._leases.known()
        told = await asyncio.gather(*map(_stats, known))
        silent = {
            proxy.boot: None
            for proxy, stats in zip(known, told, strict=True)
            if stats is None and proxy.live
        }
        return silent | {stats.boot: stats for stats in told if stats is not None}


async def _stats(known: KnownProxy) -> ProxyStats | None:
    try:
        async with http_client(known.stats, timeout=ANSWER_TIME) as proxy:
            answer = await proxy.get("/stats")
            stats = ProxyStats.model_validate_json(answer.content) if answer.is_success else None
    except (httpx.HTTPError, ValidationError):  # somebody else may answer at its address
        return None
    if stats is None or stats.boot == known.boot or known.stats.startswith("unix://"):
        return stats
    return None
