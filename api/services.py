"""What the routes work with: the store, Temporal, the settings and the keys made for the API."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property

from api.guesses import Guesses
from api.open_streams import OpenStreams
from api.run_watchers import RunWatchers
from engine.runs import Runs
from perdure.health import Readiness, ask
from perdure.key_ring import KeyRing, Keys
from perdure.keys import Purpose
from perdure.settings import Settings
from store.store import Store

PROXIES_SECONDS = 2.0
"""How long a request waits for proxies: one that does not hear is as good as away."""


@dataclass(frozen=True)
class Services:
    """One per process, the same for all requests. `stopping` ends what would wait for long.

    `backtesting` is held while a backtest runs; `streams` counts what callers follow, and
    `watchers` follow runs for them.
    """

    settings: Settings
    store: Store
    runs: Runs
    digest_key: bytes
    session_keys: Keys
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    guesses: Guesses = field(default_factory=Guesses)
    backtesting: asyncio.Lock = field(default_factory=asyncio.Lock)
    streams: OpenStreams = field(default_factory=OpenStreams)

    @cached_property
    def watchers(self) -> RunWatchers:
        """One for each run that somebody follows."""
        return RunWatchers(self.runs)

    async def look(self) -> Readiness:
        """Whether there is what the API needs."""
        return await ask({"store": self.store.problem, "temporal": self.runs.problem})

    async def proxies_know(self, seq: int) -> None:
        """Wait until the live proxies have taken in the feed up to `seq`, or for long enough."""
        await self.store.leases.wait_for(seq, PROXIES_SECONDS)


async def make_services(settings: Settings, store: Store, runs: Runs) -> Services:
    """With its keys. Raises `CannotStart` when these cannot be read."""
    return Services(
        settings=settings,
        store=store,
        runs=runs,
        digest_key=await store.kept_keys.digests(),
        session_keys=KeyRing(settings.master_key_path).sub(Purpose.SESSIONS),
    )
