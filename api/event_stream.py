"""Server-sent events, with a comment now and then so that nobody takes silence for a break."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.types import Receive, Scope, Send
from temporalio.service import RPCError

from perdure.errors import PerdureError
from spec.public import Model

log = logging.getLogger(__name__)

SILENCE_SECONDS = 10.0
CHECK_SECONDS = 5.0
"""After this long a revoked token, or a member who was removed, gets no further event."""


class Event(Model):
    """One event; `data` is JSON. A client that comes back asks for what is after `id`."""

    name: str
    data: str
    id: str | None = None

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        return format_sse_event(event=self.name, data_str=self.data, id=self.id)


class EventStream(StreamingResponse):
    """An answer that ends with the events, when the process stops, or with the caller's access.

    Whether the caller is still `allowed` is asked each `CHECK_SECONDS`. What `place` raises is
    answered instead; it is held for as long as somebody listens.
    """

    def __init__(
        self,
        events: AsyncIterator[Event],
        stopping: asyncio.Event,
        allowed: Callable[[], Awaitable[bool]],
        place: AbstractContextManager[None],
        silence: float = SILENCE_SECONDS,
    ) -> None:
        super().__init__(
            _encoded(_while_allowed(events, allowed), stopping, silence),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, in a place of its own."""
        with self._place:
            await super().__call__(scope, receive, send)


async def _while_allowed(
    events: AsyncIterator[Event], allowed: Callable[[], Awaitable[bool]]
) -> AsyncIterator[Event]:
    checked = monotonic()
    async for event in events:
        if monotonic() - checked > CHECK_SECONDS:
            if not await allowed():
                return
            checked = monotonic()
        yield event


async def _encoded(
    events: AsyncIterator[Event], stopping: asyncio.Event, silence: float
) -> AsyncIterator[bytes]:
    stop = asyncio.ensure_future(stopping.wait())
    coming = asyncio.ensure_future(anext(events))
    try:
        while not stop.done():
            done, _ = await asyncio.wait(
                {coming, stop}, timeout=silence, return_when=asyncio.FIRST_COMPLETED
            )
            if coming.done():
                yield coming.result().encoded()
                coming = asyncio.ensure_future(anext(events))
            elif not done:
                yield KEEPALIVE_COMMENT
    except StopAsyncIteration:
        return
    except (PerdureError, RPCError) as error:
        # It ends early: the client comes back, and hears of it by an answer.
        log.warning("A stream of events broke: %s", error)
    finally:
        await _end(coming, stop)


async def _end(*waiting: asyncio.Future[Any]) -> None:
    """Cancelled once: a client that goes away has us cancelled again and again."""
    for future in waiting:
        future.cancel()
    await asyncio.wait({asyncio.gather(*waiting, return_exceptions=True)})
