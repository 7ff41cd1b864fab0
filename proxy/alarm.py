"""How a run is woken: by a signal, and where Temporal does not take it, through an internal API."""

import asyncio
import logging
from collections.abc import Sequence

import httpx

from perdure.errors import CannotStart, NotFound, Unavailable
from proxy.feed import InternalApi
from proxy.reader import RouteReader
from spec.run import WakeNote

API_SECONDS = 4.0
"""For one API, which itself asks Temporal."""

logger = logging.getLogger(__name__)


class Alarm:
    """`reader` is there once Temporal was reached."""

    def __init__(self, apis: Sequence[InternalApi]) -> None:
        self.reader: RouteReader | None = None
        self._apis = apis
        self._told_away = False

    async def wake(self, project: str, run: str, incarnation: str) -> bool:
        """Tell the run that somebody asks for it; whether it will know. Bounded in time."""
        note = WakeNote(incarnation=incarnation)
        reached = await self._by_signal(project, run, note) or await self._by_api(
            project, run, note
        )
        if not reached and not self._told_away:
            logger.warning("Neither Temporal nor an API could be told to wake %s/%s", project, run)
        self._told_away = not reached
        return reached

    async def _by_signal(self, project: str, run: str, note: WakeNote) -> bool:
        if self.reader is None:
            return False
        try:
            await self.reader.wake(project, run, note)
        except (TimeoutError, Unavailable, NotFound):
            return False
        return True

    async def _by_api(self, project: str, run: str, note: WakeNote) -> bool:
        path = f"/internal/v1/runs/{project}/{run}/wake"
        for api in self._apis:
            try:
                async with asyncio.timeout(API_SECONDS), api.client() as client:
                    answer = await client.post(path, json=note.model_dump(mode="json"))
                    answer.raise_for_status()
            except (TimeoutError, httpx.HTTPError, OSError, CannotStart):
                continue
            return True
        return False
