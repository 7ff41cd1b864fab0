"""The public API, below `/api/v1`."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from api import error_answers
from api.access import ApiScope, Authentication
from api.document import DocumentedApp, told
from api.refusals import Refusals
from api.requests import Requests
from api.routes import (
    audit,
    backtests,
    code,
    decisions,
    keys,
    metrics,
    projects,
    runs,
    secrets,
    server,
    users,
)
from api.services import Services
from perdure import __version__
from perdure.errors import Forbidden, Unauthenticated, Unavailable
from perdure.health import in_time

PREFIX = "/api/v1"
ANYWHERE = told(Unauthenticated, Forbidden, Unavailable)
"""What each route may answer."""


def public_app(services: Services) -> FastAPI:
    """The app of the front door. All but its health wants a token."""
    app = DocumentedApp(
        title="perdure",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        redirect_slashes=False,
    )
    app.state.services = services
    rooms = (
        *(server, keys, users, projects, secrets, code),
        *(runs, metrics, backtests, decisions, audit),
    )
    for room in rooms:
        app.include_router(room.router, prefix=PREFIX, responses=ANYWHERE)
    add_health(app, services)
    error_answers.install(app)
    # The last one comes first.
    app.add_middleware(ApiScope)
    app.add_middleware(Refusals, audit=services.store.audit)
    app.add_middleware(Authentication, identify=services.store.tokens.caller)
    app.add_middleware(Requests)
    return app


def add_health(app: FastAPI, services: Services) -> None:
    """`/healthz`: the process lives. `/readyz`: it has what it needs.

    Anybody may ask, so it is told without the reasons, which the process's own address has.
    """

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        status, word = (await in_time(services.look)).summary()
        return JSONResponse({"status": word}, status)
