"""Readings of what the proxies count go into the store, for backtests.

Each API process reads by itself: the store counts each arrival once.
"""

import asyncio
import logging

from perdure.errors import PerdureError
from store.load_history import FINE
from store.proxies import Proxies
from store.store import Store

log = logging.getLogger(__name__)


async def keep_loads(store: Store, pause: float = FINE) -> None:
    """Read without end, whenever a step is over.

    A store that is away is asked again: what came meanwhile, the proxies still know.
    """
    proxies, away = Proxies(store.leases), False
    while True:
        await asyncio.sleep(pause - store.now().timestamp() % pause)
        try:
            told = await proxies.stats()
            at = store.now()
            known = {boot: stats for boot, stats in told.items() if stats is not None}
            await store.load_history.record(known, at)
            away = False
        except (PerdureError, OSError) as error:
            if not away:
                log.warning("What the proxies count cannot be kept for now: %s", error)
            away = True
