"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

SHORTEST, LONGEST = 0.01, 0.2
"""Seconds between two looks: more and more, since each may cost what is waited for."""
GROWTH = 1.3


def wait_until(condition: Callable[[], bool], what: str = "", seconds: float = 30) -> None:
    """Return when `condition` holds; fail with `what` after `seconds`."""
    for pause in _pauses(what, seconds):
        if condition():
            return
        time.sleep(pause)


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], what: str = "", seconds: float = 30
) -> None:
    """The same without blocking the loop, for a condition that may be awaited."""
    for pause in _pauses(what, seconds):
        held = condition()
        if held if isinstance(held, bool) else await held:
            return
        await asyncio.sleep(pause)


def _pauses(what: str, seconds: float) -> Iterator[float]:
    end = time.monotonic() + seconds
    pause = SHORTEST
    while time.monotonic() <= end:
        yield pause
        pause = min(GROWTH * pause, LONGEST)
    raise TimeoutError(f"In {seconds} s it did not happen: {what or 'see the line above'}")
