"""Clean-up that a cancellation cannot cut short, and tasks that nobody waits for any more."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from temporalio import workflow

Result = TypeVar("Result")


async def uncancelled(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` to its end, also when the workflow is cancelled meanwhile.

    Awaited directly, it would die of the first cancellation that comes while it runs.
    """
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await workflow.wait_condition(task.done)
        except asyncio.CancelledError:
            workflow.logger.info("Cancelled while cleaning up: the clean-up goes on")
    return await task


def abandon(task: asyncio.Task[Any]) -> None:
    """Cancel a task whose outcome is of no interest any more, not even its error."""
    task.cancel()
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
