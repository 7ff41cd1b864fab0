"""The life of a worker process."""

import logging
from contextlib import AsyncExitStack
from datetime import timedelta

from prometheus_client import REGISTRY

from engine.client import codec, connect_when_there
from engine.telemetry import measured
from perdure.health import Health, health_address
from perdure.metrics import Build, exposition
from perdure.program import stop_signal
from perdure.settings import Settings
from store.head import until_set_up
from store.store import open_store
from worker.implementations import make_implementations
from worker.machine import local_backend
from worker.needs import Needs
from worker.pollers import pollers

log = logging.getLogger(__name__)


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Raises `PerdureError` when it cannot start."""
    stop = stop_signal()
    await until_set_up(settings.store_url, settings.ready_timeout)
    REGISTRY.register(Build("worker"))
    needs = Needs()
    health = Health(
        settings.data.worker_socket,
        address=health_address(settings, "worker"),
        look=needs.look,
        metrics=exposition,
    )
    async with measured(), open_store(settings) as store, health, AsyncExitStack() as running:
        client = await connect_when_there(codec(settings), settings.ready_timeout)
        backend = await running.enter_async_context(local_backend(settings, store))
        implementations = make_implementations(settings, client, store, {backend.name: backend})
        workers = pollers(
            client,
            implementations,
            max_cached=settings.max_cached_workflows,
            sticky_timeout=timedelta(seconds=settings.sticky_timeout),
        )
        for worker in workers:
            await running.enter_async_context(worker)
        needs.have(store, client, backend)
        health.started = True
        log.info("Working on the queues %s", ", ".join(w.task_queue for w in workers))
        await stop.wait()
        health.started = False
        log.info("Stopping")
