"""Users, and what they may do on the whole server."""

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from perdure.errors import AlreadyExists, Conflict, NotFound
from spec.audit import Action
from spec.people import GlobalRole, User
from store.audit import Author, Entry, note
from store.changes import ChangeKind, record
from store.database import Database
from store.locks import Lock, require
from store.tables import tokens, users


class Users:
    """All users. There is always an admin."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, role: GlobalRole, *, by: Author | None = None) -> User:
        """Add a user without tokens. Raises `AlreadyExists`."""
        user = User(name=name, role=role, created_at=self._database.clock())
        try:
            async with self._database.write(Lock.FEED) as connection:
                await connection.execute(insert(users).values(user.model_dump()))
                await self._note(connection, by, Action.USER_CREATE, f"{name} {role}")
                await record(connection, ChangeKind.USER, [name])
        except IntegrityError as error:
            raise AlreadyExists(
                f"There is a user `{name}` already.",
                hint="Choose another name; `perdure user list` shows all.",
            ) from error
        return user

    async def all(self) -> tuple[User, ...]:
        """All of them, by name."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(users).order_by(users.c.name))
            return tuple(User.model_validate(row._asdict()) for row in rows)

    async def find(self, name: str) -> User | None:
        """The user of that name."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(users).where(users.c.name == name))).first()
        return None if row is None else User.model_validate(row._asdict())

    async def set_role(self, name: str, role: GlobalRole, *, by: Author | None = None) -> User:
        """Change the role. Raises `NotFound`, and `Conflict` for the last admin."""
        async with self._database.write(Lock.FEED) as connection:
            row = (
                await connection.execute(
                    update(users).where(users.c.name == name).values(role=role).returning(users)
                )
            ).first()
            if row is None:
                raise _no_user(name)
            await _require_admin(connection)
            await self._note(connection, by, Action.USER_ROLE, f"{name} {role}")
            await record(connection, ChangeKind.USER, [name])
            return User.model_validate(row._asdict())

    async def delete(self, name: str, *, by: Author | None = None) -> None:
        """Remove the user, tokens and memberships. Raises `NotFound`, `Conflict`, as above.

        What they have started goes on: it belongs to its project.
        """
        async with self._database.write(Lock.FEED) as connection:
            held = select(tokens.c.sha256).where(tokens.c.user == name)
            hashes = list(await connection.scalars(held))
            gone = await connection.execute(delete(users).where(users.c.name == name))
            if not gone.rowcount:
                raise _no_user(name)
            await _require_admin(connection)
            await self._note(connection, by, Action.USER_DELETE, name)
            await record(connection, ChangeKind.REVOKED, hashes)

    async def _note(
        self, connection: AsyncConnection, by: Author | None, action: Action, subject: str
    ) -> None:
        await note(connection, self._database.clock(), by, Entry(action, subject))


async def _require_admin(connection: AsyncConnection) -> None:
    require(connection, Lock.FEED)
    admins = select(func.count()).where(users.c.role == GlobalRole.ADMIN)
    if not await connection.scalar(admins):
        raise Conflict("This is the last admin.", hint="Make another user an admin first.")


def _no_user(name: str) -> NotFound:
    return NotFound(f"There is no user `{name}`.", hint="`perdure user list` shows them.")
