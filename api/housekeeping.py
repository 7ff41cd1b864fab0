"""What is over leaves the store.

Tokens, audit events, keys of requests, unused code, sealed values without a run, seals of old keys.
"""

import asyncio
import itertools
import logging
from collections.abc import Collection

from temporalio.service import RPCError

from engine.runs import Runs
from perdure.errors import CannotStart, Unavailable
from store.code import Archive
from store.store import Store

PAUSE = 60.0
"""Seconds between two sweeps: API and proxies look at a token's time by themselves."""

RUNS_EVERY = 15
"""Sweeps for one of code and sealed values, which asks for all living runs."""

log = logging.getLogger(__name__)


async def sweep(store: Store, runs: Runs, pause: float = PAUSE) -> None:
    """Sweep without end; a store or a Temporal that is away is asked again."""
    away, suspects = False, frozenset[Archive]()
    for number in itertools.count():
        try:
            await store.tokens.expire()
            await store.audit.expire()
            await store.idempotency.expire()
            await store.master_keys.settle()
            if number % RUNS_EVERY == 0:
                suspects = await sweep_code(store, runs, suspects)
                await sweep_envelopes(store, runs)
            away = False
        except (Unavailable, CannotStart, OSError, RPCError) as error:
            if not away:
                log.warning("What is over cannot be dropped for now: %s", error)
            away = True
        await asyncio.sleep(pause)


async def sweep_code(
    store: Store, runs: Runs, suspects: Collection[Archive] = ()
) -> frozenset[Archive]:
    """Drop code that no living run uses, now as at the last sweep; what none uses now.

    `suspects` are those of the last sweep: the list of living runs lags behind what is true, and a
    run that is just being renewed may not be on it.

    What lives is asked first: a run that is applied meanwhile has asked for its code just now.
    """
    used = await store.revisions.code_of(await runs.living())
    unused = await store.code.unclaimed() - used
    await store.code.drop(unused.intersection(suspects))
    await store.code.sweep()
    return unused


async def sweep_envelopes(store: Store, runs: Runs) -> None:
    """Drop sealed values whose run does not live, as when it was terminated or the API killed.

    The list of living runs lags behind what is true, so each run that is not on it is asked for.
    Values beside those in use of a living run stay until it has ended: only the run knows which it
    uses, and asking all of them would wake them all.
    """
    settled = await store.envelopes.settled()
    living = await runs.living() if settled else {}
    for envelope in settled:
        name = (envelope.project, envelope.run)
        if name not in living and not await runs.lives(*name):
            await store.envelopes.forget([envelope.id])
