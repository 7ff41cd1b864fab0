"""What is over leaves the store: tokens, audit events, unused code, seals of old keys."""

import asyncio
import itertools
import logging

from temporalio.service import RPCError

from engine.runs import Runs
from perdure.errors import CannotStart, Unavailable
from store.store import Store

PAUSE = 60.0
"""Seconds between two sweeps: API and proxies look at a token's time by themselves."""

CODE_EVERY = 15
"""Sweeps for one of code, which asks for all living runs."""

log = logging.getLogger(__name__)


async def sweep(store: Store, runs: Runs, pause: float = PAUSE) -> None:
    """Sweep without end; a store or a Temporal that is away is asked again."""
    away = False
    for number in itertools.count():
        try:
            await store.tokens.expire()
            await store.audit.expire()
            await store.master_keys.settle()
            if number % CODE_EVERY == 0:
                await sweep_code(store, runs)
            away = False
        except (Unavailable, CannotStart, OSError, RPCError) as error:
            if not away:
                log.warning("What is over cannot be dropped for now: %s", error)
            away = True
        await asyncio.sleep(pause)


async def sweep_code(store: Store, runs: Runs) -> None:
    """Drop code that no living run uses.

    What lives is asked first: a run that is applied meanwhile has asked for its code just now.
    """
    used = await store.revisions.code_of(await runs.living())
    await store.code.drop_unused(used)
    await store.code.sweep()
