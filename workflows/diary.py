"""A run's diary: what it decided and how it was is kept in the store, a batch at a time."""

import asyncio

from temporalio import workflow

from engine import deeds
from engine.cleanup import uncancelled
from policy.decisions import Shown, is_worth_keeping, shown
from spec.deeds import DecisionBatch
from spec.run import RunState
from spec.run_status import RunStatus


class Diary:
    """What is not kept yet stays in the run's memory."""

    def __init__(self) -> None:
        self._last = 0
        self._shown: Shown | None = None
        self._task: asyncio.Task[None] | None = None

    def keep(self, state: RunState, status: RunStatus) -> None:
        """Begin to keep what is new, unless something is being kept: then it waits its turn."""
        if not state.elastic or self._task is not None:
            return
        if is_worth_keeping(state, status, self._shown):
            self._last, self._shown = state.decided, shown(status)
            self._task = asyncio.create_task(_kept(state, status))

    @property
    def has_news(self) -> bool:
        """Whether a batch is kept of which the run has not heard."""
        return self._task is not None and self._task.done()

    def take(self) -> int:
        """The number of the last decision that is kept."""
        task = self._task
        assert task is not None
        self._task = None
        task.result()
        return self._last

    async def close(self, state: RunState, status: RunStatus) -> None:
        """Keep the rest, and how it ended."""
        if state.elastic:
            await uncancelled(_kept(state, status))


async def _kept(state: RunState, status: RunStatus) -> None:
    batch = DecisionBatch(
        project=state.project,
        run=state.name,
        incarnation=state.incarnation,
        decisions=state.decisions,
        status=status,
        at=workflow.now(),
    )
    await deeds.keep_decisions(batch, summary=f"{status.status}, {status.ready} ready")
