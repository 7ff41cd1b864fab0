"""`/audit`: who did what. The whole server's for its admins, a project's for the project's."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access import AdminHere, ProjectAdminHere, ServicesHere
from api.document import told
from api.moment import moment
from api.services import Services
from perdure.errors import Forbidden, InvalidInput
from spec.audit import AuditEvent
from spec.feed import LARGEST
from store.audit import AuditFilter

router = APIRouter(tags=["audit"], responses=told(Forbidden, InvalidInput))


class AuditQuery(BaseModel):
    """Which events, newest first: from a time or a duration ago on, older than number `before`."""

    since: str | None = None
    before: int | None = Field(default=None, ge=1, le=LARGEST)
    limit: int = Field(default=100, ge=1, le=1000)


@router.get("/audit")
async def all_events(
    _: AdminHere, services: ServicesHere, query: Annotated[AuditQuery, Query()]
) -> tuple[AuditEvent, ...]:
    """What was done on the whole server. The next page is what comes `before` the last `id`."""
    return await _events(services, query, None)


@router.get("/projects/{project}/audit")
async def project_events(
    access: ProjectAdminHere, services: ServicesHere, query: Annotated[AuditQuery, Query()]
) -> tuple[AuditEvent, ...]:
    """What was done in the project, as above."""
    return await _events(services, query, access.project)


async def _events(
    services: Services, query: AuditQuery, project: str | None
) -> tuple[AuditEvent, ...]:
    only = AuditFilter(
        project=project,
        since=moment(query.since, services.store.now()),
        before=query.before,
    )
    return await services.store.audit.read(query.limit, only)
