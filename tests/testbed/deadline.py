"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

STEP = 0.05


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Return when `condition` holds; fail with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"In {seconds} s it did not happen: {what}")
        time.sleep(STEP)


async def eventually(
    condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 30
) -> None:
    """The same for a condition that is awaited."""
    end = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > end:
            raise TimeoutError(f"In {seconds} s it did not happen: {what}")
        await asyncio.sleep(STEP)
