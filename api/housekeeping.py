"""What is over leaves the store.

Tokens, audit events, decisions, loads, keys of requests, unused code, sealed values without a run,
seals of old keys.
And a run that outlived its project is stopped.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Collection

from temporalio.service import RPCError

from api.used_code import used_code
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

Step = Callable[[], Awaitable[object]]

log = logging.getLogger(__name__)


async def sweep(store: Store, runs: Runs, pause: float = PAUSE) -> None:
    """Sweep without end. What fails is tried again at the next sweep, and keeps nothing else back.

    That is told once, until all goes well again.
    """
    sweeps, fails = Sweeps(store, runs), False
    for number in itertools.count():
        steps = sweeps.each() if number % RUNS_EVERY else (*sweeps.each(), *sweeps.rare())
        failures = [failure for step in steps if (failure := await _failure_of(step))]
        if failures and not fails:
            log.warning("What is over cannot be dropped for now: %s", failures[0])
        fails = bool(failures)
        await asyncio.sleep(pause)


class Sweeps:
    """The steps of sweeps, and what the last one has found."""

    def __init__(self, store: Store, runs: Runs) -> None:
        self._store = store
        self._runs = runs
        self._homeless = frozenset[RunName]()
        self._unused = frozenset[Archive]()

    def each(self) -> tuple[Step, ...]:
        """Those of every sweep: they ask the store only."""
        store = self._store
        return (
            store.tokens.expire,
            store.audit.expire,
            store.decisions.expire,
            store.load_history.expire,
            store.idempotency.expire,
            store.master_keys.settle,
        )

    def rare(self) -> tuple[Step, ...]:
        """Those that ask for all living runs."""
        return (self._sweep_runs, self._sweep_code, self._sweep_envelopes)

    async def _sweep_runs(self) -> None:
        self._homeless = await sweep_runs(self._store, self._runs, self._homeless)

    async def _sweep_code(self) -> None:
        self._unused = await sweep_code(self._store, self._runs, self._unused)

    async def _sweep_envelopes(self) -> None:
        await sweep_envelopes(self._store, self._runs)


async def _failure_of(step: Step) -> Exception | None:
    try:
        await step()
    except (PerdureError, OSError, RPCError) as error:
        return error
    return None


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
    """Drop code that is not used, now as at the last sweep; what is not used now.

    `suspects` are those of the last sweep: the list of living runs lags behind what is true, and a
    run that is just being renewed may not be on it.

    What is applied meanwhile is used: who applies has asked for its code just now, and it is not
    dropped then.
    """
    old = await store.code.unclaimed()
    unused = old - await used_code(store, runs, old)
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
