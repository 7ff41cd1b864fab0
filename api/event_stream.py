"""Server-sent events, with a comment now and then so that nobody takes silence for a break."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

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
    events: AsyncIterator[Event], silence: float = SILENCE_SECONDS
) -> StreamingResponse:
    """An answer that ends with the events."""
    return StreamingResponse(
        _encoded(events, silence),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _encoded(events: AsyncIterator[Event], silence: float) -> AsyncIterator[bytes]:
    coming: asyncio.Future[Event] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({coming}, timeout=silence)
            if not done:
                yield KEEPALIVE_COMMENT
                continue
            try:
                event, coming = coming.result(), None
            except StopAsyncIteration:
                return
            except (PerdureError, RPCError) as error:
                # It ends early: the client comes back, and hears of it by an answer.
                log.warning("A stream of events broke: %s", error)
                return
            yield event.encoded()
    finally:
        if coming is not None and not coming.done():
            coming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await coming
