"""Expired tokens leave the store. They have opened nothing since their time came."""

import asyncio
import logging

from perdure.errors import Unavailable
from store.database import Store

PAUSE = 60.0
"""Seconds between two sweeps: API and proxies look at a token's time by themselves."""

log = logging.getLogger(__name__)


async def sweep(store: Store, pause: float = PAUSE) -> None:
    """Drop tokens whose time is over, without end; a store that is away is tried again."""
    away = False
    while True:
        try:
            await store.tokens.expire()
            away = False
        except Unavailable as error:
            if not away:
                log.warning("Expired tokens cannot be dropped for now: %s", error.message)
            away = True
        await asyncio.sleep(pause)
