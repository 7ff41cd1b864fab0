"""Readiness: the replica's own port, at its own address, then what its probes say."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from activities.probing import Probing
from backends.base import Backend
from engine import deeds
from perdure.errors import NotReadyInTime
from perdure.http_client import http_client
from policy.probing import begun
from spec.deeds import Readiness, ReadyOrder
from spec.status import Health

PAUSE = 0.05
"""Seconds between two looks at first; they grow with the time already waited."""

ANSWER_TIME = 5.0
"""Seconds that one look may take."""


class Readinesses:
    """Waits until a service is ready."""

    def __init__(self, backends: Mapping[str, Backend], limit: float) -> None:
        """`limit` in seconds, over all attempts: a model may take an hour to load."""
        self._backends = backends
        self._limit = limit

    @deeds.wait_ready.implemented
    async def wait_ready(self, order: ReadyOrder) -> Readiness:
        """Until it is ready or has ended. Raises `NotReadyInTime`."""
        runtime = await self._backends[order.instance.backend].runtime(order.instance.host)
        ending = asyncio.ensure_future(runtime.wait(order.instance.token))
        answering = asyncio.ensure_future(self._ready(order))
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

    async def _ready(self, order: ReadyOrder) -> None:
        began = order.since or datetime.now(UTC)
        await self._answer(order, began)
        if order.probes:
            await self._pass(order, began)

    async def _answer(self, order: ReadyOrder, began: datetime) -> None:
        while not await _answers(order.address, order.model_path):
            waited = _since(began)
            if waited > self._limit:
                what = f"`{order.model_path}` did not answer" if order.model_path else "is closed"
                raise NotReadyInTime(
                    f"After {self._limit:.0f} s the port {order.port} {what}.",
                    hint="Does the service listen on 0.0.0.0, and on the port of its `port`?",
                )
            await asyncio.sleep(max(PAUSE, min(1.0, waited / 20)))

    async def _pass(self, order: ReadyOrder, began: datetime) -> None:
        probing = Probing(order.address, begun(order.probes, Health.STARTING, began))
        try:
            # Whoever takes over late looks once, too.
            left = max(self._limit - _since(began), ANSWER_TIME)
            async with asyncio.timeout(left):
                await probing.until_changed(at_once=True)
        except TimeoutError:
            said = probing.known.detail.removesuffix(".")
            raise NotReadyInTime(
                f"After {self._limit:.0f} s it was not ready: {said}.",
                hint="Does each of its `probes`, or the default one of a `model`, ask for what it "
                "answers?",
            ) from None


def _since(began: datetime) -> float:
    return (datetime.now(UTC) - began).total_seconds()


async def _answers(address: str, path: str | None) -> bool:
    """Whether the port is open; with `path`, whether a GET of it is answered by 200."""
    try:
        if path is None:
            parts = urlsplit(address)
            async with asyncio.timeout(ANSWER_TIME):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
                writer.close()
            return True
        async with http_client(address, timeout=ANSWER_TIME) as client:
            answer = await client.get(path)
            return answer.status_code == httpx.codes.OK
    except (OSError, TimeoutError, httpx.HTTPError):
        return False
