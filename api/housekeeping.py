"""What is over leaves the store.

Tokens, audit events, keys of requests, unused code, sealed values without a run, seals of old keys.
And a run that outlived its project is stopped.
"""

import asyncio
import itertools
import logging
from collections.abc import Collection

from temporalio.service import RPCError

from engine.runs import Runs
from perdure.errors import PerdureError
from store.code import Archive
from store.store import Store

PAUSE = 60.0
"""Seconds between two sweeps: API and proxies look at a token's time by themselves."""

RUNS_EVERY = 15
"""Sweeps for one of runs, code and sealed values, which asks for all living runs."""

STOP_SECONDS = 30.0
"""For a run to take in that it is to end: one that is stuck must not keep the rest waiting."""

RunName = tuple[str, str]
"""A project, and the name of a run in it."""

log = logging.getLogger(__name__)


async def sweep(store: Store, runs: Runs, pause: float = PAUSE) -> None:
    """Sweep without end; a store or a Temporal that is away is asked again."""
    away, unused, homeless = False, frozenset[Archive](), frozenset[RunName]()
    for number in itertools.count():
        try:
            await store.tokens.expire()
            await store.audit.expire()
            await store.idempotency.expire()
            await store.master_keys.settle()
            if number % RUNS_EVERY == 0:
                homeless = await sweep_runs(store, runs, homeless)
                unused = await sweep_code(store, runs, unused)
                await sweep_envelopes(store, runs)
            away = False
        except (PerdureError, OSError, RPCError) as error:
            if not away:
                log.warning("What is over cannot be dropped for now: %s", error)
            away = True
        await asyncio.sleep(pause)


async def sweep_runs(
    store: Store, runs: Runs, suspects: Collection[RunName] = ()
) -> frozenset[RunName]:
    """Stop the runs of deleted projects, which nobody else can; which there are.

    `suspects` are those of the last sweep: a request that finds its project gone stops its run by
    itself. A project that the store never had is another matter: the store may be an older backup.
    """
    living = await runs.living()
    gone = await store.projects.deleted() if living else frozenset[str]()
    homeless = frozenset(name for name in living if name[0] in gone)
    if again := sorted(homeless.intersection(suspects)):
        shown = ", ".join("/".join(name) for name in again)
        log.warning("Runs of deleted projects are stopped: %s", shown)
    for project, run in again:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await runs.stop(project, run, abort=True)
        except (PerdureError, TimeoutError) as error:
            reason = str(error) or "it does not answer"
            log.warning("The run %s/%s could not be stopped: %s", project, run, reason)
    return homeless


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
