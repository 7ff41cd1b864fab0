"""`/projects/{project}/plans/replay`: what settings would have done to a load of the past."""

from fastapi import APIRouter, Request

from api.access import MemberHere, ServicesHere
from api.applications import Applications
from api.backtests import Backtests
from api.body import whole
from api.document import takes, told
from perdure.errors import Forbidden, InvalidInput, NoSpace, NotFound, RateLimited, TooLarge
from spec.backtest import Backtest, BacktestCall

router = APIRouter(tags=["runs"])

EXAMPLE = {
    "configuration": {
        "type": "service",
        "name": "hello",
        "image": "python:3.12-slim",
        "port": 8000,
        "commands": ["python -m http.server 8000"],
        "replicas": "1..4",
        "scaling": {"metric": "rps", "target": 10},
    },
    "trace": {"step": 10, "seconds": 60, "rows": [[0, 12], [20, 300]]},
}
ANSWERS = told(Forbidden, NotFound, InvalidInput, TooLarge, RateLimited, NoSpace)


@router.post(
    "/projects/{project}/plans/replay",
    openapi_extra=takes(BacktestCall, EXAMPLE),
    responses=ANSWERS,
)
async def replay(
    access: MemberHere,
    services: ServicesHere,
    request: Request,
) -> Backtest:
    """What the settings would have cost under a load of the past, and how long requests waited."""
    applications = Applications(services, access.project, access.caller)
    backtests = Backtests(services, applications, access.project)
    backtests.require_idle()
    return await backtests.replay(await whole(request))
