"""The life of an API process: one loop, one HTTP server per address."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import public_app
from api.expiry import sweep
from api.internal import internal_app
from api.services import Services, make_services
from api.ui.origin import ui_app
from api.ui.upstream import Upstream
from engine.client import codec, connect_when_there
from engine.runs import Runs
from perdure.http_server import HttpServer
from perdure.keys import read_secret
from perdure.program import stop_signal
from perdure.settings import Settings
from store.database import open_store
from store.head import until_set_up

UI_HOST = "127.0.0.1"

GRACE_SECONDS = 5
"""For answers under way when the process is told to stop; streams are cut after it."""


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `PerdureError` when it cannot start."""
    stop = stop_signal()
    await until_set_up(settings.store_url, settings.ready_timeout)
    key = read_secret(settings.data.internal_key, "internal key").decode().strip()
    async with open_store(settings) as store:
        client = await connect_when_there(codec(settings), settings.ready_timeout)
        services = make_services(settings, store, Runs(client))
        # What dies in this group ends the process, and whoever keeps it starts it again.
        async with asyncio.TaskGroup() as tasks, contextlib.AsyncExitStack() as running:
            for app, socket in (
                (public_app(services), settings.data.api_socket),
                (internal_app(services, key), settings.data.internal_socket),
            ):
                await running.enter_async_context(serving(tasks, app, socket))
            await running.enter_async_context(serving_ui(tasks, services))
            sweeping = tasks.create_task(sweep(store))
            await stop.wait()
            services.stopping.set()
            sweeping.cancel()


@contextlib.asynccontextmanager
async def serving(tasks: asyncio.TaskGroup, app: FastAPI, socket: Path) -> AsyncIterator[None]:
    """The app on a unix socket for its owner only, for as long as the context lasts."""
    async with _running(tasks, app, uds=str(socket)):
        socket.chmod(0o600)  # noqa: ASYNC240 - one call, of a local file system
        yield


@contextlib.asynccontextmanager
async def serving_ui(tasks: asyncio.TaskGroup, services: Services) -> AsyncIterator[None]:
    """Temporal's web UI behind our sign-in, where there is one, on this machine only."""
    settings = services.settings
    if not settings.temporal_ui:
        yield
        return
    upstream = Upstream(settings.temporal_ui)
    app = ui_app(services, codec(settings), upstream)
    running = _running(tasks, app, host=UI_HOST, port=settings.ui_port)
    async with contextlib.aclosing(upstream), running:
        yield


@contextlib.asynccontextmanager
async def _running(
    tasks: asyncio.TaskGroup,
    app: FastAPI,
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
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    task = tasks.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells no other way
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([task])
