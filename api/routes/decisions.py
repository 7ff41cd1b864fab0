"""`/decisions` of a run, and `/events` of a project: what was decided, and why."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access import MemberHere, ServicesHere
from api.document import told
from api.moment import moment
from api.services import Services
from engine.absence import no_run
from perdure.errors import Forbidden, InvalidInput, NotFound
from spec.feed import LARGEST
from spec.submission import DecisionView
from store.decisions import DecisionFilter

router = APIRouter(tags=["decisions"], responses=told(Forbidden, NotFound, InvalidInput))

IN_PROJECT = "/projects/{project}"


class EventQuery(BaseModel):
    """Which decisions, newest first: from a time or a duration ago on.

    `before` and `after` are numbers (`id`): only older ones, only newer ones.
    """

    since: str | None = None
    before: int | None = Field(default=None, ge=1, le=LARGEST)
    after: int | None = Field(default=None, ge=0, le=LARGEST)
    limit: int = Field(default=100, ge=1, le=1000)


class DecisionQuery(EventQuery):
    """… of one `life` of the run, and up to the time (or the duration ago) `at`."""

    life: str | None = Field(default=None, pattern=r"^[0-9A-Za-z-]{1,40}$")
    at: str | None = None


@router.get(f"{IN_PROJECT}/events")
async def project_events(
    access: MemberHere, services: ServicesHere, query: Annotated[EventQuery, Query()]
) -> tuple[DecisionView, ...]:
    """What the project's runs decided. The next page is what comes `before` the last `id`."""
    only = DecisionFilter(
        since=moment(query.since, services.store.now()), before=query.before, after=query.after
    )
    return await services.store.decisions.read(access.project, query.limit, only)


@router.get(IN_PROJECT + "/runs/{name}/decisions")
async def run_decisions(
    name: str,
    access: MemberHere,
    services: ServicesHere,
    query: Annotated[DecisionQuery, Query()],
) -> tuple[DecisionView, ...]:
    """What a run decided, in all lives of its name. The first one up to `at` was in force then."""
    now = services.store.now()
    only = DecisionFilter(
        run=name,
        incarnation=query.life,
        since=moment(query.since, now),
        upto=moment(query.at, now, "at"),
        before=query.before,
        after=query.after,
    )
    found = await services.store.decisions.read(access.project, query.limit, only)
    if not found:
        await _require_known(services, access.project, name)
    return found


async def _require_known(services: Services, project: str, run: str) -> None:
    """Raise `NotFound` for a run that never decided anything, and of which nobody else knows."""
    if await services.store.decisions.read(project, 1, DecisionFilter(run=run)):
        return
    if await services.runs.status(project, run) is None:
        raise no_run(project, run)
