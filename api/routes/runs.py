"""`/projects/{project}/runs`: plans, applies, scaling, statuses, logs and stops."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from api.access import Access, CallerHere, MemberHere, ServicesHere, still_has
from api.applications import Applications
from api.body import body
from api.document import streams, takes, told
from api.event_stream import Event, EventStream
from api.moment import moment
from api.past import past_status
from api.rollbacks import Rollbacks
from api.run_stream import log_events, log_incarnation, status_events
from api.run_views import run_view
from api.services import Services
from engine.absence import no_run
from perdure.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NoSpace,
    NotFound,
    RateLimited,
    TooLarge,
)
from spec.audit import Action
from spec.feed import LARGEST
from spec.offer import OfferList, OfferQuery
from spec.plan import Plan
from spec.scale import ScaleRequest
from spec.submission import (
    Applied,
    ApplyCall,
    LogLine,
    PlanCall,
    RollbackCall,
    RollbackPlan,
    RunView,
    StopCall,
)
from store.audit import Entry
from store.logs import LogFilter

router = APIRouter(tags=["runs"])

EXAMPLE = {
    "configuration": {
        "type": "service",
        "name": "hello",
        "image": "python:3.12-slim",
        "port": 8000,
        "commands": ["python -m http.server 8000"],
    }
}
INSIDE = told(Forbidden, NotFound)
FOLLOWED = told(Forbidden, NotFound, RateLimited)
SUBMITTED = INSIDE | told(InvalidInput, TooLarge, Conflict, NoSpace)

IN_PROJECT = "/projects/{project}"
RunName = str
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]


@router.post(f"{IN_PROJECT}/plans", openapi_extra=takes(PlanCall, EXAMPLE), responses=SUBMITTED)
async def plan(
    access: MemberHere,
    services: ServicesHere,
    call: Annotated[PlanCall, Depends(body(PlanCall, strict=False))],
) -> Plan:
    """What an apply would do, at what price, or why it would be refused."""
    return await Applications(services, access.project, access.caller).plan(call)


@router.post(f"{IN_PROJECT}/offers", openapi_extra=takes(OfferQuery, EXAMPLE), responses=SUBMITTED)
async def offers(
    access: MemberHere,
    services: ServicesHere,
    query: Annotated[OfferQuery, Depends(body(OfferQuery, strict=False))],
) -> OfferList:
    """Where such a service could run."""
    return await Applications(services, access.project, access.caller).offers(query)


@router.post(f"{IN_PROJECT}/runs", openapi_extra=takes(ApplyCall, EXAMPLE), responses=SUBMITTED)
async def apply(
    access: MemberHere,
    services: ServicesHere,
    call: Annotated[ApplyCall, Depends(body(ApplyCall, strict=False))],
    idempotency_key: IdempotencyKey = None,
) -> Applied:
    """Start or update a run, once per `Idempotency-Key`."""
    applications = Applications(services, access.project, access.caller)
    return await applications.apply(call, idempotency_key)


@router.get("/runs")
async def all_runs(
    caller: CallerHere,
    services: ServicesHere,
    include_finished: Annotated[bool, Query(alias="all")] = False,
) -> tuple[RunView, ...]:
    """The runs of all projects of the caller, latest first."""
    statuses = await services.runs.statuses(include_finished=include_finished)
    return tuple(
        run_view(status, services.settings.base_url)
        for status in statuses
        if caller.sees(status.project)
    )


@router.get(f"{IN_PROJECT}/runs", responses=INSIDE)
async def runs(
    access: MemberHere,
    services: ServicesHere,
    include_finished: Annotated[bool, Query(alias="all")] = False,
) -> tuple[RunView, ...]:
    """The project's runs, latest first; with `all`, those that have ended, too."""
    statuses = await services.runs.statuses(access.project, include_finished=include_finished)
    return tuple(run_view(status, services.settings.base_url) for status in statuses)


@router.get(IN_PROJECT + "/runs/{name}", responses=INSIDE | told(InvalidInput))
async def run(
    name: RunName, access: MemberHere, services: ServicesHere, at: str | None = None
) -> RunView:
    """A run: its present life, or its last; with `at`, a time or a duration ago, as it was then."""
    then = moment(at, services.store.now(), "at")
    if then is not None:
        status = await past_status(services, access.project, name, then)
        return run_view(status, services.settings.base_url)
    present = await services.runs.status(access.project, name)
    if present is None:
        raise no_run(access.project, name)
    return run_view(present, services.settings.base_url)


@router.post(IN_PROJECT + "/runs/{name}/stop", openapi_extra=takes(StopCall), responses=SUBMITTED)
async def stop(
    name: RunName,
    access: MemberHere,
    services: ServicesHere,
    call: Annotated[StopCall, Depends(body(StopCall))],
) -> RunView:
    """Ask a run to end; it drains first, unless `abort`."""
    status = await services.runs.stop(access.project, name, abort=call.abort)
    entry = Entry(Action.RUN_STOP, f"{access.project}/{name}", access.project)
    await services.store.audit.record(access.caller, entry)
    return run_view(status, services.settings.base_url)


@router.post(
    IN_PROJECT + "/runs/{name}/scale", openapi_extra=takes(ScaleRequest), responses=SUBMITTED
)
async def scale(
    name: RunName,
    access: MemberHere,
    services: ServicesHere,
    call: Annotated[ScaleRequest, Depends(body(ScaleRequest))],
) -> RunView:
    """Set the number of replicas, for some seconds or until it is taken back: `{}` does that."""
    status = await services.runs.scale(access.project, name, call)
    entry = Entry(Action.RUN_SCALE, f"{access.project}/{name}", access.project)
    await services.store.audit.record(access.caller, entry)
    return run_view(status, services.settings.base_url)


@router.get(IN_PROJECT + "/runs/{name}/rollback", responses=SUBMITTED)
async def rollback_plan(
    name: RunName,
    access: MemberHere,
    services: ServicesHere,
    to: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
) -> RollbackPlan:
    """What going back would do: to a revision, or to the last one that was different."""
    return await Rollbacks(services, access.project, access.caller).plan(name, to)


@router.post(
    IN_PROJECT + "/runs/{name}/rollback", openapi_extra=takes(RollbackCall), responses=SUBMITTED
)
async def rollback(
    name: RunName,
    access: MemberHere,
    services: ServicesHere,
    call: Annotated[RollbackCall, Depends(body(RollbackCall))],
    idempotency_key: IdempotencyKey = None,
) -> Applied:
    """Apply a revision of the run again, as it was, once per `Idempotency-Key`."""
    rollbacks = Rollbacks(services, access.project, access.caller)
    return await rollbacks.roll_back(name, call, idempotency_key)


@router.get(
    IN_PROJECT + "/runs/{name}/events",
    response_class=Response,
    responses=FOLLOWED | streams("The run at each change.", "status"),
)
async def events(name: RunName, access: MemberHere, services: ServicesHere) -> Response:
    """Server-sent events: `status` with the run, now and at each change until it has ended."""
    if await services.runs.status(access.project, name) is None:
        raise no_run(access.project, name)
    return _streamed(status_events(services, access.project, name), access, services)


def _streamed(events: AsyncIterator[Event], access: Access, services: Services) -> EventStream:
    allowed = partial(still_has, access, services)
    return EventStream(events, services.stopping, allowed, services.streams.of(access.caller.token))


class LogQuery(BaseModel):
    """Which lines: after number `after`, of one replica, from a time or a duration ago on.

    `tail`: of these, when nobody asks for what comes `after` a line, only the last so many.
    """

    after: int = Field(default=0, ge=0, le=LARGEST)
    since: str | None = None
    replica: int | None = Field(default=None, ge=0, le=LARGEST)
    limit: int = Field(default=1000, ge=1, le=5000)
    tail: int | None = Field(default=None, ge=1, le=5000)
    follow: bool = False


@router.get(
    IN_PROJECT + "/runs/{name}/logs",
    response_model=tuple[LogLine, ...],
    responses=FOLLOWED | streams("The lines; with `follow`, as events.", "log", "end"),
)
async def logs(
    name: RunName,
    access: MemberHere,
    services: ServicesHere,
    query: Annotated[LogQuery, Query()],
) -> Response:
    """The log, as a list; with `follow`, as server-sent events `log`, and `end` at the end.

    `since` is a time (ISO 8601) or a duration before now (`90s`, `1h`).
    """
    project, after = access.project, query.after
    only = LogFilter(
        incarnation=await log_incarnation(services, project, name),
        replica=query.replica,
        since=moment(query.since, services.store.now()),
    )
    if query.tail is not None and not after:
        last = await services.store.logs.tail(project, name, count=query.tail, only=only)
        after = last[0].id - 1 if last else 0
    if query.follow:
        lines = log_events(services, project, name, after=after, only=only)
        return _streamed(lines, access, services)
    page = await services.store.logs.read(project, name, after=after, limit=query.limit, only=only)
    return JSONResponse([line.model_dump(mode="json") for line in page.lines])
