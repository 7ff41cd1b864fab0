"""Wakes runs that sleep, as often as makes sense."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from proxy.pool import Name, Service
from spec.names import run_id

if TYPE_CHECKING:
    from proxy.plane import Plane

AGAIN_SECONDS = 1.0
"""Between two attempts at one run, while it still sleeps and somebody waits."""

Wake = Callable[[str, str, str], Awaitable[bool]]
"""Tell a run (project, name, incarnation) that somebody asks; bounded in time. Whether it knows."""

logger = logging.getLogger(__name__)


class Waker:
    """One attempt at a time for each run."""

    def __init__(self, plane: "Plane") -> None:
        self._plane = plane
        self._tasks: dict[Name, asyncio.Task[None]] = {}
        self._asked: set[Name] = set()

    def wake(self, service: Service) -> None:
        """Somebody asks for a service that sleeps."""
        if self._plane.wake is None:  # a fixed table: what it says is all there is
            return
        name = service.name
        self._asked.add(name)
        if name not in self._tasks:
            self._tasks[name] = self._plane.loop.create_task(self._waking(name))

    async def _waking(self, name: Name) -> None:
        """Until it is awake, or nobody waits any more."""
        while (service := self._plane.table.services.get(name)) is not None:
            if not service.asleep or not (service.held or name in self._asked):
                break
            self._asked.discard(name)
            began = time.monotonic()
            await self._attempt(service)
            await asyncio.sleep(max(0.0, began + AGAIN_SECONDS - time.monotonic()))
        self._asked.discard(name)
        del self._tasks[name]

    async def _attempt(self, service: Service) -> None:
        plane, route = self._plane, service.route
        workflow = run_id(route.project, route.run)
        assert plane.wake is not None
        try:
            told = await plane.wake(route.project, route.run, route.incarnation)
        except Exception:
            # The next attempt is in a second: those that wait need it, whatever this mistake is.
            logger.exception("A run could not be woken", extra={"workflow": workflow})
            told = False
        plane.stats.wakes[told] += 1
