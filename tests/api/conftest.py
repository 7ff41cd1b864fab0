import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import public_app
from api.internal import internal_app
from api.process import serving
from api.services import Services, make_services
from perdure.settings import Settings
from spec.people import GlobalRole, ProjectRole
from store.store import Store
from tests.api.fake_runs import FakeRuns
from tests.store.conftest import (
    TOKEN,
    clock,
    content,
    first_database,
    first_start,
    server,
    settings,
    store,
)

__all__ = [
    "clock",
    "content",
    "first_database",
    "first_start",
    "server",
    "settings",
    "store",
]

INTERNAL_KEY = "the-internal-key"
OLDER_INTERNAL_KEY = "an-older-internal-key"


@pytest.fixture
def runs() -> FakeRuns:
    return FakeRuns()


@pytest.fixture
async def services(settings: Settings, store: Store, runs: FakeRuns) -> Services:
    return await make_services(settings, store, runs)


def client_of(settings: Settings, token: str | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(settings.data.api_socket), verify=False),
        base_url="http://api/api/v1",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=20,
    )


@pytest.fixture
async def anonymous(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token; the API runs on its socket."""
    async with (
        serving(public_app(services), services.settings.data.api_socket, asyncio.Event()),
        client_of(services.settings, None) as client,
    ):
        yield client


@pytest.fixture
async def admin(
    anonymous: httpx.AsyncClient, services: Services
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(services.settings, TOKEN) as client:
        yield client


@pytest.fixture
async def alice(
    anonymous: httpx.AsyncClient, services: Services
) -> AsyncIterator[httpx.AsyncClient]:
    """Runs services in `main`, and is no admin."""
    await services.store.users.create("alice", GlobalRole.USER)
    await services.store.projects.set_member("main", "alice", ProjectRole.USER)
    token, _ = await services.store.tokens.create("alice", "test")
    async with client_of(services.settings, token.value) as client:
        yield client


@pytest.fixture
async def stranger(
    anonymous: httpx.AsyncClient, services: Services
) -> AsyncIterator[httpx.AsyncClient]:
    """A user who is in no project."""
    await services.store.users.create("eve", GlobalRole.USER)
    token, _ = await services.store.tokens.create("eve", "test")
    async with client_of(services.settings, token.value) as client:
        yield client


@pytest.fixture
async def internal(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A proxy's client of the internal API."""
    path = services.settings.data.internal_socket
    async with (
        serving(
            internal_app(services, lambda: (INTERNAL_KEY, OLDER_INTERNAL_KEY)),
            path,
            asyncio.Event(),
        ),
        httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(path), verify=False),
            base_url="http://internal/internal/v1",
            headers={"Authorization": f"Bearer {INTERNAL_KEY}"},
            timeout=30,
        ) as client,
    ):
        yield client
