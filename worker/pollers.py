"""The pollers: one Temporal worker per queue, on one client."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

import workflows
from engine.ids import Queue
from perdure import __version__
from worker.implementations import Implementations

SLOTS = {Queue.CLOUD: 50, Queue.HOST: 100, Queue.WATCH: 10_000}
"""Watchers only wait: with the SDK's default of 100 slots, idle ones would stop everything."""

GRACE = timedelta(seconds=10)
"""Deeds that run when the worker is stopped may end by themselves, then are cancelled; those that
watch go to another worker at once."""


def pollers(
    client: Client,
    implementations: Implementations,
    *,
    max_cached: int,
    sticky_timeout: timedelta,
) -> list[Worker]:
    """`control` runs workflows only, the others deeds only, grouped by what they wait for."""
    control = Worker(
        client,
        task_queue=Queue.CONTROL,
        build_id=__version__,  # else the SDK reads, or compiles, the code of every module again
        workflows=workflows.ALL,
        max_cached_workflows=max_cached,
        sticky_queue_schedule_to_start_timeout=sticky_timeout,
    )
    return [control] + [
        Worker(
            client,
            task_queue=queue,
            build_id=__version__,
            activities=methods,
            max_concurrent_activities=SLOTS[queue],
            graceful_shutdown_timeout=timedelta() if queue is Queue.WATCH else GRACE,
        )
        for queue, methods in implementations.items()
    ]
