"""Users, projects, their members, tokens and secrets, as the API shows them."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from spec.public import Model
from spec.scopes import FULL, Scope


class GlobalRole(StrEnum):
    """What a user may do on the whole server."""

    ADMIN = "admin"
    USER = "user"

    @property
    def administers(self) -> bool:
        """Whether all users and projects are this user's to see and to change."""
        return self is GlobalRole.ADMIN


class ProjectRole(StrEnum):
    """What a member may do in a project: `user` runs services, `manager` also manages members."""

    ADMIN = "admin"
    MANAGER = "manager"
    USER = "user"


class User(Model):
    """A person or a program with tokens."""

    name: str
    role: GlobalRole
    created_at: datetime


class Token(Model):
    """A token, without its value, which is shown once, when it is made."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    scopes: tuple[Scope, ...] = FULL


class NewToken(Token):
    """A token that was just made: the only time that its value is seen."""

    value: str = Field(repr=False)


class Member(Model):
    """A user in a project."""

    user: str
    role: ProjectRole


class Project(Model):
    """A project; `role` is the caller's own."""

    name: str
    role: ProjectRole
    created_at: datetime
    members: tuple[Member, ...] = ()


class Secret(Model):
    """A secret's name. Its value is never shown."""

    name: str
    updated_at: datetime


class Identity(Model):
    """Who the caller is, and which projects are open to them."""

    user: str
    role: GlobalRole
    projects: tuple[str, ...]
