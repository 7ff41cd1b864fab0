"""`/server` and `/me`: what answers, and who asks."""

from fastapi import APIRouter

from api.access import CallerHere, ServicesHere
from perdure import __version__
from spec.people import Identity
from spec.server import Server

router = APIRouter(tags=["server"])


@router.get("/server")
async def server(services: ServicesHere) -> Server:
    """What answers here."""
    return Server(
        version=__version__,
        id=await services.store.installation.id(),
        url=services.settings.base_url,
        code_limit_mb=services.settings.code_limit_mb,
    )


@router.get("/me")
async def me(caller: CallerHere, services: ServicesHere) -> Identity:
    """Who the token belongs to. An admin of the server sees all projects."""
    names = sorted(caller.projects)
    if caller.administers:
        names = [project.name for project in await services.store.projects.all()]
    return Identity(user=caller.user, role=caller.role, projects=tuple(names))
