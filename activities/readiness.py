"""Readiness: the replica's own port, at its own address, and with a model its own answer."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from backends.base import Backend
from engine import deeds
from perdure.errors import NotReadyInTime
from perdure.http_client import http_client
from spec.deeds import Readiness, ReadyOrder

PAUSE = 0.05
"""Seconds between two looks at first; they grow with the time already waited."""

ANSWER_TIME = 5.0
"""Seconds that one look may take."""


class Readinesses:
    """Waits until a service answers."""

    def __init__(self, backends: Mapping[str, Backend], limit: float) -> None:
        """`limit` in seconds, over all attempts: a model may take an hour to load."""
        self._backends = backends
        self._limit = limit

    @deeds.wait_ready.implemented
    async def wait_ready(self, order: ReadyOrder) -> Readiness:
        """Until it answers or has ended. Raises `NotReadyInTime`."""
        runtime = await self._backends[order.instance.backend].runtime(order.instance.host)
        ending = asyncio.ensure_future(runtime.wait(order.instance.token))
        answering = asyncio.ensure_future(self._answer(order))
        try:
            await asyncio.wait({ending, answering}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
                return Readiness()
            return Readiness(ended=ending.result())
        finally:
            for task in (ending, answering):
                task.cancel()
            await asyncio.gather(ending, answering, return_exceptions=True)

    async def _answer(self, order: ReadyOrder) -> None:
        host, port = _target(order.address)
        began = order.since or datetime.now(UTC)
        while not await _answers(host, port, order.model_path):
            waited = (datetime.now(UTC) - began).total_seconds()
            if waited > self._limit:
                what = f"`{order.model_path}` did not answer" if order.model_path else "is closed"
                raise NotReadyInTime(
                    f"After {self._limit:.0f} s the port {order.port} {what}.",
                    hint="Does the service listen on 0.0.0.0, and on the port of its `port`?",
                )
            await asyncio.sleep(max(PAUSE, min(1.0, waited / 20)))


def _target(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or 0


async def _answers(host: str, port: int, path: str | None) -> bool:
    """Whether the port is open; with `path`, whether a GET of it is answered by 200."""
    try:
        if path is None:
            async with asyncio.timeout(ANSWER_TIME):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
            return True
        name = f"[{host}]" if ":" in host else host
        async with http_client(f"tcp://{name}:{port}", timeout=ANSWER_TIME) as client:
            answer = await client.get(path)
            return answer.status_code == httpx.codes.OK
    except (OSError, TimeoutError, httpx.HTTPError):
        return False
