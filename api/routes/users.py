"""`/users`: people, and their tokens."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, Field

from api.access import AdminHere, CallerHere, ServicesHere, member_of
from api.body import body
from api.chosen_names import UserName
from api.document import takes, told
from perdure.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    InvalidInput,
    NoSpace,
    NotFound,
    TooLarge,
)
from spec.people import GlobalRole, NewToken, Token, User
from spec.public import Model
from spec.scopes import FULL, Scope, projects_named
from store.tokens import Caller

router = APIRouter(prefix="/users", tags=["users"], responses=told(Forbidden))

BODY = told(InvalidInput, TooLarge, NoSpace)

LONGEST = timedelta(days=36_525)
"""A hundred years: nobody means more."""
MOST_SCOPES = 100
"""Of one token: who needs more means a whole project."""


class NewUser(Model):
    """A user to be made."""

    name: UserName
    role: GlobalRole = GlobalRole.USER


class UserChange(Model):
    """A user's new role."""

    role: GlobalRole


class TokenRequest(Model):
    """A token to be made; without `expires_at` it holds until it is revoked.

    Its scopes never open more than its user may do; `api` is all of that.
    """

    name: str = Field(default="token", min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")
    expires_at: AwareDatetime | None = None
    scopes: tuple[Scope, ...] = Field(default=FULL, min_length=1, max_length=MOST_SCOPES)


@router.get("")
async def users(_: AdminHere, services: ServicesHere) -> tuple[User, ...]:
    """All users."""
    return await services.store.users.all()


@router.post(
    "",
    status_code=201,
    openapi_extra=takes(NewUser),
    responses=BODY | told(AlreadyExists),
)
async def create_user(
    admin: AdminHere, services: ServicesHere, new: Annotated[NewUser, Depends(body(NewUser))]
) -> User:
    """Add a user, who has no token yet."""
    return await services.store.users.create(new.name, new.role, by=admin)


@router.put("/{name}", openapi_extra=takes(UserChange), responses=BODY | told(NotFound, Conflict))
async def change_user(
    name: str,
    admin: AdminHere,
    services: ServicesHere,
    change: Annotated[UserChange, Depends(body(UserChange))],
) -> User:
    """Give a user another role."""
    return await services.store.users.set_role(name, change.role, by=admin)


@router.delete("/{name}", status_code=204, responses=told(NotFound, Conflict))
async def delete_user(name: str, admin: AdminHere, services: ServicesHere) -> None:
    """Remove a user, with tokens and memberships. What they have started goes on."""
    await services.store.users.delete(name, by=admin)


@router.get("/{name}/tokens", responses=told(NotFound))
async def tokens(name: str, caller: CallerHere, services: ServicesHere) -> tuple[Token, ...]:
    """A user's tokens, without their values."""
    _require_self(caller, name)
    return await services.store.tokens.of(name)


@router.post(
    "/{name}/tokens",
    status_code=201,
    openapi_extra=takes(TokenRequest),
    responses=BODY | told(NotFound),
)
async def create_token(
    name: str,
    caller: CallerHere,
    services: ServicesHere,
    asked: Annotated[TokenRequest, Depends(body(TokenRequest))],
) -> NewToken:
    """Make a token. When this answers, the live proxies know it."""
    _require_self(caller, name)
    _require_future(asked.expires_at, services.store.now())
    for project in projects_named(asked.scopes):
        await member_of(project, caller, services)
    token, seq = await services.store.tokens.create(
        name, asked.name, expires_at=asked.expires_at, scopes=asked.scopes, by=caller
    )
    await services.proxies_know(seq)
    return token


@router.delete("/{name}/tokens/{token}", status_code=204, responses=told(NotFound))
async def revoke_token(name: str, token: str, caller: CallerHere, services: ServicesHere) -> None:
    """End a token. When this answers, the live proxies know it."""
    _require_self(caller, name)
    seq = await services.store.tokens.revoke(name, token, by=caller)
    await services.proxies_know(seq)


def _require_self(caller: Caller, name: str) -> None:
    if not caller.may_act_for(name):
        raise Forbidden("Only the user, or an admin of the server, may do this.")


def _require_future(moment: datetime | None, now: datetime) -> None:
    if moment is not None and not now < moment < now + LONGEST:
        raise InvalidInput(
            "`expires_at` is in the past, or too far ahead.",
            hint="Leave it out for a token without an end.",
        )
