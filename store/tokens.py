"""Tokens: random, shown once, kept as a SHA-256. Their own 256 bits make a slow hash needless."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.exc import IntegrityError

from perdure.errors import NotFound
from spec.audit import Action
from spec.people import GlobalRole, NewToken, ProjectRole, Token
from spec.scopes import FULL, Scope, allow_api, canonical
from store.audit import Author, Entry, note
from store.changes import ChangeKind, record
from store.database import Database
from store.locks import Lock
from store.tables import members, tokens, users

RANDOM_BYTES = 32


class Caller(Author):
    """Who holds a token, and what that opens."""

    role: GlobalRole
    projects: dict[str, ProjectRole]
    scopes: tuple[Scope, ...] = FULL

    @property
    def may_use_api(self) -> bool:
        """Whether the token is for more than calling services."""
        return allow_api(self.scopes)

    @property
    def administers(self) -> bool:
        """Whether the whole server is the caller's, and every project."""
        return self.role.administers

    def role_in(self, project: str) -> ProjectRole | None:
        """The role in a project, if there is one of that name; None where it is none of theirs."""
        return ProjectRole.ADMIN if self.administers else self.projects.get(project)

    def sees(self, project: str) -> bool:
        """Whether what is in the project is the caller's to see."""
        return self.role_in(project) is not None

    def may_act_for(self, user: str) -> bool:
        """Whether the tokens of that user are the caller's to make and to end."""
        return self.administers or self.user == user


def digest(value: str) -> str:
    """What is kept of a token: the SHA-256 (hex) of its value."""
    return hashlib.sha256(value.encode()).hexdigest()


class Tokens:
    """All users' tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        user: str,
        name: str,
        *,
        expires_at: datetime | None = None,
        scopes: Iterable[Scope] = FULL,
        value: str | None = None,
        by: Author | None = None,
    ) -> tuple[NewToken, int]:
        """A new token, and the feed's number that tells the proxies. Raises `NotFound`.

        `value` presets what is random otherwise.
        """
        token = NewToken(
            id=str(uuid.uuid4()),
            name=name,
            created_at=self._database.clock(),
            expires_at=expires_at,
            scopes=canonical(scopes),
            value=value or secrets.token_urlsafe(RANDOM_BYTES),
        )
        row = token.model_dump(exclude={"value"}) | {
            "user": user,
            "sha256": digest(token.value),
            "scopes": " ".join(token.scopes),
        }
        opens = " ".join(token.scopes)
        entry = Entry(Action.TOKEN_CREATE, f"{user}/{token.id} {opens} “{name}”")
        try:
            async with self._database.write(Lock.FEED) as connection:
                await connection.execute(insert(tokens).values(row))
                await note(connection, self._database.clock(), by, entry)
                seq = await record(connection, ChangeKind.USER, [user])
        except IntegrityError as error:
            raise _no_user(user) from error
        return token, seq

    async def of(self, user: str) -> tuple[Token, ...]:
        """A user's tokens, oldest first. Raises `NotFound`."""
        async with self._database.read() as connection:
            if await connection.scalar(select(users.c.name).where(users.c.name == user)) is None:
                raise _no_user(user)
            held = select(tokens).where(tokens.c.user == user).order_by(tokens.c.created_at)
            rows = await connection.execute(held)
            return tuple(
                Token.model_validate(row._asdict() | {"scopes": row.scopes.split()}) for row in rows
            )

    async def revoke(self, user: str, token: str, *, by: Author | None = None) -> int:
        """End a token; the feed's number that tells the proxies. Raises `NotFound`."""
        async with self._database.write(Lock.FEED) as connection:
            gone = await connection.scalar(
                delete(tokens)
                .where(tokens.c.user == user, tokens.c.id == token)
                .returning(tokens.c.sha256)
            )
            if gone is None:
                raise NotFound(f"The user `{user}` has no token `{token}`.")
            entry = Entry(Action.TOKEN_REVOKE, f"{user}/{token}")
            await note(connection, self._database.clock(), by, entry)
            return await record(connection, ChangeKind.REVOKED, [gone])

    async def expire(self) -> int:
        """Drop the tokens whose time is over, and tell the proxies; how many there were."""
        over = tokens.c.expires_at <= self._database.clock()
        async with self._database.read() as connection:
            if await connection.scalar(select(tokens.c.id).where(over).limit(1)) is None:
                return 0
        async with self._database.write(Lock.FEED) as connection:
            ended = delete(tokens).where(over).returning(tokens.c.sha256)
            hashes = list(await connection.scalars(ended))
            await record(connection, ChangeKind.REVOKED, hashes)
            return len(hashes)

    async def caller(self, value: str) -> Caller | None:
        """Who holds this token; None when it is not valid."""
        return await self._caller(tokens.c.sha256 == digest(value))

    async def holder(self, token: str) -> Caller | None:
        """Who holds the token of this id; None when it is not valid any more."""
        return await self._caller(tokens.c.id == token)

    async def _caller(self, which: ColumnElement[bool]) -> Caller | None:
        now = self._database.clock()
        columns = (tokens.c.id, tokens.c.scopes, users.c.name, users.c.role)
        holder = (
            select(*columns, members.c.project, members.c.role)
            .join(users, users.c.name == tokens.c.user)
            .outerjoin(members, members.c.user == users.c.name)
            .where(which, tokens.c.expires_at.is_(None) | (tokens.c.expires_at > now))
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(holder)).all()
        if not rows:
            return None
        token, scopes, user, role, *_ = rows[0]
        return Caller(
            user=user,
            role=GlobalRole(role),
            token=token,
            projects={row[4]: ProjectRole(row[5]) for row in rows if row[4] is not None},
            scopes=tuple(scopes.split()),
        )


def _no_user(name: str) -> NotFound:
    return NotFound(f"There is no user `{name}`.")
