"""The load of one service, as a proxy would tell of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from spec.feed import ProxyLease, ProxyStats, TableMark
from tests.testbed.stats_server import answering
from tests.workflows.stage import PROJECT, Stage

LIFETIME = 10**6
"""Version of a table that is newer than any: the proxy lets go of whatever leaves."""


class LoadOf:
    """What a proxy tells of the service `name`; it can be changed at any time."""

    def __init__(self, name: str) -> None:
        self._service = f"{PROJECT}/{name}"
        self.told = [ProxyStats(boot="proxy")]

    def is_of(self, incarnation: str) -> None:
        """It knows all tables of this life."""
        mark = TableMark(incarnation=incarnation, version=LIFETIME)
        self._tell(tables={self._service: mark})

    def busy(self, count: int) -> None:
        """So many requests are in flight."""
        self._tell(run_in_flight={self._service: count})

    def held(self, count: int) -> None:
        """So many requests wait for a replica."""
        self._tell(held={self._service: count})

    def arrive(self, count: int) -> None:
        """So many requests came, and were answered."""
        before = self.told[-1].arrived.get(self._service, 0)
        self._tell(arrived={self._service: before + count})

    def _tell(self, **changed: object) -> None:
        self.told.append(self.told[-1].model_copy(update=changed))


@asynccontextmanager
async def load_of(stage: Stage, name: str, folder: Path) -> AsyncIterator[LoadOf]:
    """A proxy that knows this service alone."""
    load = LoadOf(name)
    socket = folder / "stats.sock"
    async with answering(socket, load.told):
        await stage.store.leases.renew("proxy", ProxyLease(stats=f"unix://{socket}"))
        yield load
