"""What is over leaves the store: expired tokens, code that no project has, seals of old keys."""

import asyncio
import logging

from perdure.errors import CannotStart, Unavailable
from store.store import Store

PAUSE = 60.0
"""Seconds between two sweeps: API and proxies look at a token's time by themselves."""

log = logging.getLogger(__name__)


async def sweep(store: Store, pause: float = PAUSE) -> None:
    """Sweep without end; a store that is away is tried again."""
    away = False
    while True:
        try:
            await store.tokens.expire()
            await store.code.sweep()
            await store.master_keys.settle()
            away = False
        except (Unavailable, CannotStart, OSError) as error:
            if not away:
                log.warning("What is over cannot be dropped for now: %s", error)
            away = True
        await asyncio.sleep(pause)
