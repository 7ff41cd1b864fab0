"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

STEP = 0.01


def wait_until(
    condition: Callable[[], bool], what: str = "", seconds: float = 30, step: float = STEP
) -> None:
    """Return when `condition` holds, which is looked at every `step` seconds.

    Fail with `what` after `seconds`.
    """
    end = time.monotonic() + seconds
    while not condition():
        _check(end, what, seconds)
        time.sleep(step)


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], what: str = "", seconds: float = 30
) -> None:
    """The same without blocking the loop, for a condition that may be awaited."""
    end = time.monotonic() + seconds
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return
        _check(end, what, seconds)
        await asyncio.sleep(STEP)


def _check(end: float, what: str, seconds: float) -> None:
    if time.monotonic() > end:
        raise TimeoutError(f"In {seconds} s it did not happen: {what or 'see the line above'}")
