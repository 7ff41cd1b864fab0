"""Server-sent events, with a comment now and then so that nobody takes silence for a break."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from temporalio.service import RPCError

from perdure.errors import PerdureError
from spec.public import Model

log = logging.getLogger(__name__)

SILENCE_SECONDS = 10.0


class Event(Model):
    """One event; `data` is JSON. A client that comes back asks for what is after `id`."""

    name: str
    data: str
    id: str | None = None

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        return format_sse_event(event=self.name, data_str=self.data, id=self.id)


def event_stream(
    events: AsyncIterator[Event], stopping: asyncio.Event, silence: float = SILENCE_SECONDS
) -> StreamingResponse:
    """An answer that ends with the events, or when the process is stopping."""
    return StreamingResponse(
        _encoded(events, stopping, silence),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


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
    for future in waiting:
        future.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
