"""The internal API: what proxies ask. On a socket and with a key of its own."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, FastAPI, Path, Query

from api import error_answers
from api.access import Authentication, ServicesHere
from api.app import add_health
from api.body import body
from api.document import DocumentedApp, takes, told
from api.requests import Requests
from api.services import Services
from perdure.errors import InvalidInput, NotFound, TooLarge, Unauthenticated, Unavailable
from spec.feed import LARGEST, Feed, LeaseGrant, ProxyLease
from spec.people import GlobalRole
from spec.run import WakeNote
from store.tokens import Caller

PREFIX = "/internal/v1"
POLL_SECONDS = 0.5
"""What another API changes is known after this long, our own changes at once. A look costs some
milliseconds, and each proxy has its own."""
LONGEST_POLL_SECONDS = 20.0

FAILURES = told(Unauthenticated, Unavailable)

Boot = Annotated[str, Path(pattern=r"^[a-zA-Z0-9-]{8,64}$")]


def internal_app(services: Services, keys: Callable[[], tuple[str, ...]]) -> FastAPI:
    """The app of the internal socket; the first of `keys` is the bearer token."""
    app = DocumentedApp(
        title="perdure internal",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=FAILURES,
    )
    app.state.services = services

    @app.get(f"{PREFIX}/feed")
    async def feed(
        here: ServicesHere,
        after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
        wait: Annotated[float, Query(ge=0, le=LONGEST_POLL_SECONDS)] = LONGEST_POLL_SECONDS,
    ) -> Feed:
        return await next_feed(here, after, wait)

    @app.put(
        PREFIX + "/proxies/{boot}",
        openapi_extra=takes(ProxyLease),
        responses=told(InvalidInput, TooLarge),
    )
    async def lease(
        boot: Boot,
        here: ServicesHere,
        asked: Annotated[ProxyLease, Depends(body(ProxyLease))],
    ) -> LeaseGrant:
        return await here.store.leases.renew(boot, asked)

    @app.post(
        PREFIX + "/runs/{project}/{run}/wake",
        status_code=204,
        openapi_extra=takes(WakeNote),
        responses=told(InvalidInput, NotFound, TooLarge),
    )
    async def wake(
        project: str,
        run: str,
        here: ServicesHere,
        note: Annotated[WakeNote, Depends(body(WakeNote))],
    ) -> None:
        await here.runs.wake(project, run, note)

    add_health(app, services)
    error_answers.install(app)
    app.add_middleware(Authentication, identify=key_holder(keys))
    app.add_middleware(Requests)
    return app


def key_holder(keys: Callable[[], tuple[str, ...]]) -> Callable[[str], Awaitable[Caller | None]]:
    """Who sends the internal key is one of our own processes."""
    process = Caller(user="internal", role=GlobalRole.USER, token="", projects={})

    async def identify(value: str) -> Caller | None:
        current, *_ = keys()
        return process if hmac.compare_digest(value.encode(), current.encode()) else None

    return identify


async def next_feed(services: Services, after: int, wait: float) -> Feed:
    """What is newer than `after`, as soon as there is something, or when the time is over."""
    changes = services.store.changes
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait
    while after != 0 and not services.stopping.is_set() and clock() < deadline:
        commit = changes.next_commit
        if await changes.latest() != after:
            break
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(clock() + POLL_SECONDS, deadline)):
                await commit.wait()
    return await changes.feed(after)
