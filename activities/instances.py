"""Instances: take an offer, give back what was taken."""

import asyncio
from collections.abc import Mapping

from backends.base import Backend
from engine import deeds
from spec.deeds import CreateOrder, Instance, Released, ReleaseOrder

SECOND_LOOK = 0.1
"""Seconds before a release looks again: a create may have come late."""


class Instances:
    """The places that replicas run at."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._backends = backends

    @deeds.create_instance.implemented
    async def create_instance(self, order: CreateOrder) -> Instance:
        """Find by token, else create."""
        return await self._backends[order.offer.backend].create(order)

    @deeds.release.implemented
    async def release(self, order: ReleaseOrder) -> Released:
        """Until nothing is found under any token twice in a row."""
        removed = 0
        for token, name in order.backends.items():
            backend = self._backends[name]
            while await backend.release(token):
                removed += 1
                await asyncio.sleep(SECOND_LOOK)
        return Released(removed=removed)
