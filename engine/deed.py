"""A deed: one activity, declared once with its types and options, used by name on both sides."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, get_type_hints

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

from engine.deed_metrics import counted
from engine.failures import as_failure
from engine.ids import Queue
from engine.memory import Memory, opened
from engine.options import heartbeat
from perdure.errors import PerdureError
from perdure.subject import about, of_workflow
from spec.public import PublicStr

log = logging.getLogger(__name__)

Given = TypeVar("Given")
Done = TypeVar("Done")
Doer = TypeVar("Doer")


@dataclass(frozen=True)
class Deed(Generic[Given, Done]):
    """Call it in a workflow; bind its implementation with `@deed.implemented` in `activities`.

    `timeout` bounds one attempt; a dead worker is noticed after `options.heartbeat`, or after as
    many of them as a caller has patience for: each costs a call of Temporal. `cancellation`
    says whether a cancelled caller waits until the deed has ended.
    """

    name: str
    given: type[Given]
    done: type[Done]
    queue: Queue
    timeout: timedelta
    retry: RetryPolicy
    cancellation: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL

    async def __call__(self, given: Given, *, summary: str, heartbeats: int = 1) -> Done:
        """Have it done; `summary` is public. Raises `ActivityError` when its retries are over."""
        done: Done = await workflow.execute_activity(
            self.name,
            given,
            result_type=self.done,
            task_queue=self.queue,
            start_to_close_timeout=self.timeout,
            heartbeat_timeout=heartbeats * heartbeat(),
            retry_policy=self.retry,
            cancellation_type=self.cancellation,
            summary=PublicStr(summary),
        )
        return done

    def implemented(
        self, method: Callable[[Doer, Given], Awaitable[Done]]
    ) -> Callable[[Doer, Given], Awaitable[Done]]:
        """Bind a method; other types are refused at import. Blocking SDKs go by `to_thread`.

        It beats as long as its process lives, so that a killed worker's deed is taken over after
        `options.heartbeat`, not after `timeout`; a deed that hangs in a living process ends by
        `timeout`. Our errors become Temporal's failures, retried or not by their class.
        """
        hints = [hint for name, hint in get_type_hints(method).items() if name != "self"]
        if hints != [self.given, self.done]:
            raise TypeError(f"`{method.__qualname__}` is not {self.given} -> {self.done}: {hints}")

        @activity.defn(name=self.name)
        @functools.wraps(method)
        async def beating(doer: Doer, given: Given) -> Done:
            whose = activity.info().workflow_id or ""
            with about(of_workflow(whose)), counted(self.name):
                beat = asyncio.create_task(_beat(opened()))
                try:
                    return await method(doer, given)
                except PerdureError as error:
                    log.warning("%s of %s: %s", self.name, whose, error.message, exc_info=error)
                    raise as_failure(error) from error
                finally:
                    beat.cancel()

        beating.deed = self  # type: ignore[attr-defined]
        return beating


def deed_of(method: object) -> Deed[Any, Any] | None:
    """The deed that a method implements; None when it implements none."""
    deed = getattr(method, "deed", None)
    return deed if isinstance(deed, Deed) else None


async def _beat(memory: Memory) -> None:
    """Beat often: it costs nothing until the SDK sends one, at 0.8 of the time-out."""
    pause = (activity.info().heartbeat_timeout or heartbeat()).total_seconds() / 3
    while True:
        activity.heartbeat(*memory.details)
        await asyncio.sleep(pause)
