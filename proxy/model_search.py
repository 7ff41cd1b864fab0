"""The search for the model that a whole body names: in short turns, so that nobody waits for it."""

import asyncio
from collections.abc import Iterator, Sequence
from time import monotonic

from proxy.model_name import ModelName, at_once

SMALL = 16 * 1024
"""Bytes that are parsed at once: nearly all bodies, in 30 us; the worst ones take 2 ms."""

TURN_SECONDS = 0.001
"""At a time for a large one. A string of a megabyte takes 5 ms, the worst megabyte 0.5 s."""

SLICE = 2048
"""Bytes between two looks at the clock; the worst ones take a millisecond."""


class ModelSearch:
    """One search. Once it is `over`, `name` is the model's, or None when the body names none."""

    def __init__(self, body: Sequence[bytes]) -> None:
        self.name: str | None = None
        self.over = sum(map(len, body)) <= SMALL
        if self.over:
            self.name = _small(b"".join(body))
        else:
            self._model = ModelName()
            self._slices = _slices(body)

    async def finish(self, turns: asyncio.Lock) -> None:
        """Read a large body. All searches take turns, and half of the time is for other things."""
        while not self.over:
            async with turns:
                self._advance()
                await asyncio.sleep(TURN_SECONDS)

    def _advance(self) -> None:
        until = monotonic() + TURN_SECONDS
        try:
            for data in self._slices:
                self._model.feed(data)
                if monotonic() > until:
                    return
            self._model.end()
        except ValueError:
            pass
        else:
            self.name = self._model.name
        self.over = True


def _small(body: bytes) -> str | None:
    try:
        return at_once(body)
    except ValueError:
        return None


def _slices(body: Sequence[bytes]) -> Iterator[bytes]:
    for piece in body:
        for at in range(0, len(piece), SLICE):
            yield piece[at : at + SLICE]
