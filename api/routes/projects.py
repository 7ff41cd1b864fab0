"""`/projects`: projects and their members."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.access import (
    Access,
    CallerHere,
    ManagerHere,
    MemberHere,
    ProjectAdminHere,
    ServicesHere,
)
from api.body import body
from api.chosen_names import ProjectName
from api.deletion import delete
from api.document import takes, told
from api.services import Services
from perdure.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    InvalidInput,
    NoSpace,
    NotFound,
    RateLimited,
    TooLarge,
)
from spec.audit import Action, Outcome
from spec.people import Project, ProjectRole
from spec.public import Model
from store.audit import Entry

router = APIRouter(prefix="/projects", tags=["projects"])

BODY = told(InvalidInput, TooLarge, NoSpace)
INSIDE = told(Forbidden, NotFound, Conflict)


class NewProject(Model):
    """A project to be made. Its name becomes part of its services' addresses."""

    name: ProjectName


class Membership(Model):
    """A member's role."""

    role: ProjectRole


@router.get("")
async def projects(caller: CallerHere, services: ServicesHere) -> tuple[Project, ...]:
    """The caller's projects; all of them for an admin of the server."""
    every = await services.store.projects.all()
    return tuple(
        project.model_copy(update={"role": role})
        for project in every
        if (role := caller.role_in(project.name)) is not None
    )


@router.post(
    "",
    status_code=201,
    openapi_extra=takes(NewProject),
    responses=BODY | told(AlreadyExists, RateLimited),
)
async def create_project(
    caller: CallerHere,
    services: ServicesHere,
    new: Annotated[NewProject, Depends(body(NewProject))],
) -> Project:
    """Make a project; the caller is its first admin."""
    with services.guesses.of(caller, AlreadyExists):
        await services.store.projects.create(new.name, caller.user, by=caller)
    return await _shown(services, new.name, ProjectRole.ADMIN)


@router.get("/{project}", responses=INSIDE)
async def show_project(access: MemberHere, services: ServicesHere) -> Project:
    """A project with its members."""
    return await _shown(services, access.project, access.role)


@router.delete("/{project}", status_code=204, responses=INSIDE)
async def delete_project(access: ProjectAdminHere, services: ServicesHere) -> None:
    """Remove a project in which nothing runs, with its secrets, code and logs."""
    await delete(services, access.project, access.caller)


@router.put(
    "/{project}/members/{user}",
    openapi_extra=takes(Membership),
    responses=BODY | INSIDE | told(RateLimited),
)
async def set_member(
    user: str,
    access: ManagerHere,
    services: ServicesHere,
    membership: Annotated[Membership, Depends(body(Membership))],
) -> Project:
    """Add a member, or change the role of one. Admins are made, and unmade, by admins."""
    await _require_rank(services, access, user, membership.role)
    store, project = services.store, access.project
    try:
        with services.guesses.of(access.caller, NotFound):
            await store.projects.set_member(project, user, membership.role, by=access.caller)
    except NotFound:
        subject = f"{project}/{user} {membership.role}"
        entry = Entry(Action.MEMBER_SET, subject, project, Outcome.REFUSED)
        await store.audit.record(access.caller, entry)
        raise
    return await _shown(services, access.project, access.role)


@router.delete("/{project}/members/{user}", status_code=204, responses=INSIDE)
async def remove_member(user: str, access: ManagerHere, services: ServicesHere) -> None:
    """Take a member out."""
    await _require_rank(services, access, user, ProjectRole.USER)
    await services.store.projects.remove_member(access.project, user, by=access.caller)


async def _require_rank(services: Services, access: Access, user: str, role: ProjectRole) -> None:
    project = await _shown(services, access.project, access.role)
    present = {member.user: member.role for member in project.members}.get(user)
    if ProjectRole.ADMIN in (role, present):
        access.require(ProjectRole.ADMIN)


async def _shown(services: Services, name: str, role: ProjectRole) -> Project:
    project = await services.store.projects.find(name)
    if project is None:
        raise Conflict(f"The project `{name}` was deleted meanwhile.")
    return project.model_copy(update={"role": role})
