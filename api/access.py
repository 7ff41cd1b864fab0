"""Who calls, and what they may do. Authentication comes before anything is looked up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.error_answers import answer
from api.services import Services
from perdure.errors import Forbidden, InvalidInput, NotFound, PerdureError, Unauthenticated
from spec.people import ProjectRole
from store.tokens import Caller

RANK = {ProjectRole.USER: 0, ProjectRole.MANAGER: 1, ProjectRole.ADMIN: 2}
OPEN_PATHS = frozenset({"/healthz", "/readyz"})

Identify = Callable[[str], Awaitable[Caller | None]]


class Authentication:
    """Nothing but health is answered without a valid token: not a body read, not a path known."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self._app = app
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its caller in the state, or answer it."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            caller = await self._identify(bearer(scope))
        except PerdureError as error:
            await answer(error)(scope, receive, send)
            return
        if caller is None:
            await answer(_unauthenticated())(scope, receive, send)
            return
        if "\0" in scope["path"]:  # PostgreSQL takes none
            await answer(InvalidInput("The address holds a NUL character."))(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


class ApiScope:
    """A token that may only call services learns nothing here, not even which paths there are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, unless its caller's token is not for the API."""
        caller: Caller | None = scope.get("state", {}).get("caller")
        if caller is None or caller.may_use_api:
            await self._app(scope, receive, send)
        else:
            await answer(_services_only())(scope, receive, send)


def bearer(scope: Scope) -> str:
    """The token of the request; empty when there is none, or more than one."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = (values[0] if len(values) == 1 else b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""


def _unauthenticated() -> Unauthenticated:
    return Unauthenticated(
        "There is no valid token in the request.",
        hint="Send `Authorization: Bearer <token>`; `perdure user token create` makes one.",
    )


def _services_only() -> Forbidden:
    return Forbidden(
        "This token may only call services.",
        hint="Use one with the scope `api`; `perdure user token create` makes one.",
    )


def services_of(request: Request) -> Services:
    """The process's services."""
    services: Services = request.app.state.services
    return services


def caller_of(request: Request) -> Caller:
    """Who calls."""
    caller: Caller = request.state.caller
    return caller


ServicesHere = Annotated[Services, Depends(services_of)]
CallerHere = Annotated[Caller, Depends(caller_of)]


async def admin_of_server(caller: CallerHere) -> Caller:
    """A global admin. Raises `Forbidden`."""
    if not caller.administers:
        raise Forbidden("Only an admin of the server may do this.")
    return caller


AdminHere = Annotated[Caller, Depends(admin_of_server)]


@dataclass(frozen=True)
class Access:
    """A caller inside a project."""

    caller: Caller
    project: str
    role: ProjectRole

    def require(self, role: ProjectRole) -> None:
        """Raise `Forbidden` below this role."""
        if RANK[self.role] < RANK[role]:
            raise Forbidden(
                f"This takes the role `{role}` in the project.",
                hint="Ask an admin of the project.",
            )


async def member_of(project: str, caller: CallerHere, services: ServicesHere) -> Access:
    """The caller's access to the project of the path. Raises `Forbidden`, the same for all others.

    Only an admin of the server, who sees all projects, is told that one does not exist.
    """
    role = caller.role_in(project)
    if role is None:
        raise Forbidden(
            "You are not a member of this project, or it does not exist.",
            hint="`perdure project list` shows yours.",
        )
    if project not in caller.projects and await services.store.projects.find(project) is None:
        raise NotFound(
            f"There is no project `{project}`.",
            hint="`perdure project list` shows what there is.",
        )
    return Access(caller, project, role)


async def still_has(access: Access, services: Services) -> bool:
    """Whether the caller's token is still valid, and the caller still in the project."""
    caller = await services.store.tokens.holder(access.caller.token)
    if caller is None or not caller.may_use_api:
        return False
    return caller.sees(access.project)


async def manager_of(access: Annotated[Access, Depends(member_of)]) -> Access:
    """Access as a manager or more. Raises `Forbidden`."""
    access.require(ProjectRole.MANAGER)
    return access


async def admin_of(access: Annotated[Access, Depends(member_of)]) -> Access:
    """Access as an admin of the project. Raises `Forbidden`."""
    access.require(ProjectRole.ADMIN)
    return access


MemberHere = Annotated[Access, Depends(member_of)]
ManagerHere = Annotated[Access, Depends(manager_of)]
ProjectAdminHere = Annotated[Access, Depends(admin_of)]
