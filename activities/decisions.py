"""Decisions: what runs decided, and why, is kept for whoever asks later."""

from engine import deeds
from perdure.errors import NotFound
from spec.deeds import DecisionBatch, Kept
from store.store import Store


class Decisions:
    """The memory of what was decided."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @deeds.keep_decisions.implemented
    async def keep_decisions(self, batch: DecisionBatch) -> Kept:
        """Keep each decision once, and the status; nothing when the project was deleted."""
        try:
            return Kept(count=await self._store.decisions.keep(batch))
        except NotFound:  # nobody may ask any more, and the run has to go on to its end
            return Kept(count=0)
