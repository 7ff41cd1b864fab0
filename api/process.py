"""The life of an API process: one loop, one HTTP server per address."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import public_app
from api.health import api_health
from api.housekeeping import sweep
from api.internal import internal_app
from api.load_readings import keep_loads
from api.services import Services, make_services
from api.ui.origin import ui_app
from api.ui.upstream import Upstream
from engine.client import codec, connect_when_there
from engine.runs import Runs
from engine.telemetry import measured
from perdure.http_server import HttpServer
from perdure.key_ring import KeyFile
from perdure.keys import read_internal_keys
from perdure.program import stop_signal
from perdure.settings import Settings
from store.head import until_set_up
from store.store import open_store

UI_HOST = "127.0.0.1"

MAX_HEAD = 64 << 10
"""Bytes of a request's head on a port."""

GRACE_SECONDS = 5
"""For answers under way when the process is told to stop; streams are cut after it."""


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `PerdureError` when it cannot start."""
    stop = stop_signal()
    await until_set_up(settings.store_url, settings.ready_timeout)
    internal = KeyFile(settings.data.internal_key, read_internal_keys)
    async with measured(), open_store(settings) as store, contextlib.AsyncExitStack() as running:
        client = await connect_when_there(codec(settings), settings.ready_timeout)
        services = await make_services(settings, store, Runs(client))
        for part in (
            serving(public_app(services), settings.data.api_socket, stop),
            serving(internal_app(services, internal), settings.data.internal_socket, stop),
            serving_ui(services, stop),
            watched(sweep(store, services.runs), stop),
            watched(keep_loads(store), stop),
            api_health(services),
        ):
            await running.enter_async_context(part)
        await stop.wait()
        services.stopping.set()


@contextlib.asynccontextmanager
async def watched(
    life: Coroutine[None, None, None], stop: asyncio.Event
) -> AsyncIterator[asyncio.Task[None]]:
    """A task for as long as the context lasts. When it ends before that, `stop` is set.

    The context ends with the task's error, if there was one.
    """
    task = asyncio.create_task(life)
    task.add_done_callback(lambda _: stop.set())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def serving(app: FastAPI, socket: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    """The app on a unix socket for its owner only; `stop` is set when it ends by itself."""
    async with _running(app, stop, uds=str(socket)):
        socket.chmod(0o600)  # noqa: ASYNC240 - one call, of a local file system
        yield


@contextlib.asynccontextmanager
async def serving_ui(services: Services, stop: asyncio.Event) -> AsyncIterator[None]:
    """Temporal's web UI behind our sign-in, where there is one, on this machine only."""
    settings = services.settings
    if not settings.temporal_ui:
        yield
        return
    upstream = Upstream(settings.temporal_ui)
    app = ui_app(services, codec(settings), upstream)
    running = _running(app, stop, host=UI_HOST, port=settings.ui_port)
    async with contextlib.aclosing(upstream), running:
        yield


@contextlib.asynccontextmanager
async def _running(
    app: FastAPI,
    stop: asyncio.Event,
    *,
    uds: str | None = None,
    host: str = UI_HOST,
    port: int = 0,
) -> AsyncIterator[None]:
    server = HttpServer(
        uvicorn.Config(
            app,
            uds=uds,
            host=host,
            port=port,
            # The quicker one takes a head of any length: only from the proxy, which bounds it.
            http="httptools" if uds else "h11",
            h11_max_incomplete_event_size=MAX_HEAD,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    async with watched(server.serve(), stop) as task:
        try:
            while not server.started and not task.done():  # noqa: ASYNC110 - it tells no other way
                await asyncio.sleep(0.01)
            yield
        finally:
            server.should_exit = True
            await asyncio.wait([task])
