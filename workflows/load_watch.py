"""A run's watch: the one deed that looks at its load."""

import asyncio

from engine import deeds
from engine.cleanup import abandon
from policy.desired import watch_order
from spec.run import RunState
from spec.scale import WatchOrder, WatchReport

HEARTBEATS_ASLEEP = 4
"""At zero the proxy wakes a run by itself: a dead worker may be noticed later, for fewer calls."""


class LoadWatch:
    """It follows what the run wants to know: a new question ends the old one."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._task: asyncio.Task[WatchReport] | None = None

    def follow(self, state: RunState) -> None:
        """Watch as this state wants it, or not at all."""
        order = watch_order(state)
        number = order.number if order else None
        if number == self._number:
            return
        if self._task is not None:
            abandon(self._task)
        self._number = number
        self._task = asyncio.create_task(_watch(order)) if order else None

    @property
    def has_news(self) -> bool:
        """Whether it has found something that was not taken yet."""
        return self._task is not None and self._task.done()

    def take(self) -> WatchReport:
        """What it has found."""
        task = self._task
        assert task is not None
        self._task = None
        return task.result()


async def _watch(order: WatchOrder) -> WatchReport:
    low, high = order.asked.replicas.min, order.asked.replicas.max
    return await deeds.load_watch(
        order,
        summary=f"watch the load ({order.current} of {low}..{high})",
        heartbeats=1 if order.current else HEARTBEATS_ASLEEP,
    )
