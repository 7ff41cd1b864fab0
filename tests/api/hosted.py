"""The API in a thread of its own, with a real store, for clients that are not asynchronous."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import public_app
from api.internal import internal_app
from api.services import Services, make_services
from perdure.http_server import HttpServer
from perdure.settings import Settings
from spec.people import GlobalRole, ProjectRole
from spec.plan import Plan, PlanOrder
from spec.run import Accepted, ApplyRequest
from spec.run_spec import RunSpec
from spec.run_status import RunStatus
from spec.service import ServiceConfiguration
from spec.status import RunPhase
from store.revisions import Revision
from store.store import open_store
from tests.api.fake_runs import FakeRuns, run_state, run_status
from tests.api.test_errors import SERVICE
from tests.ports import free_port
from tests.store.conftest import TOKEN

INTERNAL_KEY = "the-internal-key"
CODE = b"an archive"
SPECS = [
    RunSpec(configuration=ServiceConfiguration.model_validate(SERVICE | {"port": port}))
    for port in (8000, 8001)
]
"""The revisions of the run."""


class ShortRuns(FakeRuns):
    """Runs that are known from their apply on, and end when somebody looks: no stream lasts."""

    async def plan(self, order: PlanOrder) -> Plan:
        self.orders.clear()
        return await super().plan(order)

    async def apply(self, project: str, run: str, request: ApplyRequest, key: str) -> Accepted:
        self.applied.clear()
        self.know(run_status(run, project=project))
        return await super().apply(project, run, request, key)

    async def status(self, project: str, run: str) -> RunStatus | None:
        status = await super().status(project, run)
        return status and status.model_copy(update={"status": RunPhase.DONE})

    async def watch(self, project: str, run: str, pause: float = 0.01) -> AsyncIterator[RunStatus]:
        self.know(run_status(run, RunPhase.DONE, project=project))
        async for status in super().watch(project, run, pause):
            yield status


class HostedApi:
    """Public and internal API on ports of this machine. `tokens` are those of its users."""

    def __init__(self, settings: Settings) -> None:
        self.tokens = {"admin": TOKEN, "anonymous": "", "stranger-token": "no-such-token"}
        self.port, self.internal_port = free_port(), free_port()
        self._settings = settings
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._live()))

    @property
    def url(self) -> str:
        """Of the public API."""
        return f"http://127.0.0.1:{self.port}"

    def headers(self, who: str) -> dict[str, str]:
        """With the token of this user."""
        token = self.tokens[who]
        return {"Authorization": f"Bearer {token}"} if token else {}

    def start(self) -> None:
        """Return when it answers."""
        self._thread.start()
        assert self._ready.wait(30)

    def stop(self) -> None:
        """Return when it has ended."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()

    async def _live(self) -> None:
        async with AsyncExitStack() as living:
            store = await living.enter_async_context(open_store(self._settings))
            runs = ShortRuns()
            runs.know(run_status())
            runs.states["main", "app"] = run_state(SPECS[-1], revision=len(SPECS))
            services = await make_services(self._settings, store, runs)
            await self._people(services)
            servers = (
                _server(public_app(services), self.port),
                _server(internal_app(services, lambda: (INTERNAL_KEY,)), self.internal_port),
            )
            serving = [asyncio.create_task(server.serve()) for server in servers]
            while not all(server.started for server in servers):
                await asyncio.sleep(0.01)
            self._ready.set()
            await self._stop.wait()
            services.stopping.set()
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*serving)

    async def _people(self, services: Services) -> None:
        """A member, and a stranger; something to find for each path."""
        store = services.store
        for name in ("alice", "bob", "carol", "eve"):
            await store.users.create(name, GlobalRole.USER)
            token, _ = await store.tokens.create(name, "test")
            self.tokens[name] = token.value
        await store.projects.set_member("main", "alice", ProjectRole.USER)
        await store.projects.set_member("main", "carol", ProjectRole.USER)
        await store.secrets.set("main", "KEY", "hush")
        await store.code.put("main", sha256(CODE).hexdigest(), _in_one(CODE))
        for number, spec in enumerate(SPECS, start=1):
            await store.revisions.append(
                Revision(
                    project="main",
                    run="app",
                    incarnation="life1",
                    number=number,
                    user="alice",
                    spec=spec,
                    at=store.now(),
                )
            )


async def _in_one(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _server(app: FastAPI, port: int) -> HttpServer:
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return HttpServer(config)


def settings_in(folder: Path) -> Settings:
    """Small limits, as the API's other tests have them."""
    settings = Settings(data_dir=folder, log_quota_mb=1, code_limit_mb=1)
    settings.data.create()
    return settings
