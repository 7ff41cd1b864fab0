"""Closing: what was kept for a run that has ended, and must not be kept longer."""

from engine import deeds
from spec.deeds import Closed, CloseOrder
from store.store import Store


class Closings:
    """The end of a run's record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @deeds.close_run.implemented
    async def close_run(self, order: CloseOrder) -> Closed:
        """Forget the values that were sealed for it."""
        await self._store.envelopes.forget(order.sealed)
        return Closed()
