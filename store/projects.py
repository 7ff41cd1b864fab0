"""Projects and their members."""

from collections.abc import Sequence

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from perdure.errors import AlreadyExists, NotFound
from spec.audit import Action
from spec.people import GlobalRole, Member, Project, ProjectRole
from store.applies import Applies, applies_of, require_settled
from store.audit import Author, Entry, note
from store.changes import ChangeKind, record
from store.database import Database
from store.living import require_living
from store.locks import Lock
from store.tables import (
    code,
    decisions,
    envelopes,
    idempotency,
    load_history,
    log_chunks,
    log_runs,
    log_streams,
    members,
    projects,
    revisions,
    secrets,
    statuses,
    users,
)
from store.upsert import upsert

INSIDE = (
    *(members, secrets, code, envelopes, idempotency, revisions),
    *(decisions, statuses, load_history, log_chunks, log_streams, log_runs),
)
"""What goes with a project."""


class Projects:
    """All projects. Each change of who may enter is told to the proxies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, admin: str, *, by: Author | None = None) -> None:
        """A project with its first admin. Raises `AlreadyExists`."""
        row = {"name": name, "created_at": self._database.clock()}
        try:
            async with self._database.write(Lock.FEED) as connection:
                await connection.execute(insert(projects).values(row))
                first = {"project": name, "user": admin, "role": ProjectRole.ADMIN}
                await connection.execute(insert(members).values(first))
                await self._note(connection, by, Action.PROJECT_CREATE, name, name)
                await self._tell(connection, [admin])
        except IntegrityError as error:
            raise AlreadyExists(
                f"The project `{name}` exists, or did.", hint="Choose another name."
            ) from error

    async def all(self) -> tuple[Project, ...]:
        """All of them with their members, by name; `role` is that of an admin."""
        living = select(projects).where(projects.c.deleted_at.is_(None))
        async with self._database.read() as connection:
            rows = (await connection.execute(living.order_by(projects.c.name))).all()
            ordered = select(members).order_by(members.c.user)
            listed = (await connection.execute(ordered)).all()
        return tuple(_project(row, listed) for row in rows)

    async def find(self, name: str) -> Project | None:
        """The project of that name, as `all` shows it."""
        return next((each for each in await self.all() if each.name == name), None)

    async def deleted(self) -> frozenset[str]:
        """The names of those that were."""
        gone = select(projects.c.name).where(projects.c.deleted_at.is_not(None))
        async with self._database.read() as connection:
            return frozenset(await connection.scalars(gone))

    async def applies(self, name: str) -> Applies:
        """What a deletion looks at before it asks which runs live."""
        async with self._database.read() as connection:
            return await applies_of(connection, name, self._database.clock())

    async def delete(self, name: str, seen: Applies, *, by: Author | None = None) -> None:
        """Remove the project and all that is in it. Raises `NotFound`.

        No run of `seen` lived after that was seen. Raises `Conflict` when one may live since.
        The name stays taken: whoever gets it next must not see the runs of before.
        """
        of_name = projects.c.name == name
        async with self._database.write(Lock.FEED, Lock.PROJECT.of(name)) as connection:
            await require_living(connection, name)
            await require_settled(connection, name, seen)
            inside = select(members.c.user).where(members.c.project == name)
            affected = list(await connection.scalars(inside))
            await connection.execute(
                update(projects).where(of_name).values(deleted_at=self._database.clock())
            )
            for table in INSIDE:
                await connection.execute(delete(table).where(table.c.project == name))
            await self._note(connection, by, Action.PROJECT_DELETE, name, name)
            await self._tell(connection, affected)

    async def set_member(
        self, project: str, user: str, role: ProjectRole, *, by: Author | None = None
    ) -> None:
        """Add the user, or change the role. Raises `NotFound`."""
        row = {"project": project, "user": user, "role": role}
        try:
            async with self._database.write(Lock.FEED, Lock.PROJECT.of(project)) as connection:
                await require_living(connection, project)
                await upsert(connection, members, row)
                subject = f"{project}/{user} {role}"
                await self._note(connection, by, Action.MEMBER_SET, project, subject)
                await record(connection, ChangeKind.USER, [user])
        except IntegrityError as error:
            raise NotFound(f"There is no user `{user}`.") from error

    async def remove_member(self, project: str, user: str, *, by: Author | None = None) -> None:
        """Take the user out. Raises `NotFound`."""
        where = (members.c.project == project, members.c.user == user)
        async with self._database.write(Lock.FEED) as connection:
            gone = await connection.execute(delete(members).where(*where))
            if not gone.rowcount:
                raise NotFound(f"`{user}` is not a member of `{project}`.")
            await self._note(connection, by, Action.MEMBER_REMOVE, project, f"{project}/{user}")
            await record(connection, ChangeKind.USER, [user])

    async def _note(
        self,
        connection: AsyncConnection,
        by: Author | None,
        action: Action,
        project: str,
        subject: str,
    ) -> None:
        await note(connection, self._database.clock(), by, Entry(action, subject, project))

    async def _tell(self, connection: AsyncConnection, affected: list[str]) -> None:
        """A global admin's tokens open every project, a new one too."""
        admins = select(users.c.name).where(users.c.role == GlobalRole.ADMIN)
        everybody = dict.fromkeys([*affected, *await connection.scalars(admins)])
        await record(connection, ChangeKind.USER, everybody)


def _project(row: Row[tuple[object, ...]], listed: Sequence[Row[tuple[object, ...]]]) -> Project:
    return Project(
        name=row.name,
        role=ProjectRole.ADMIN,
        created_at=row.created_at,
        members=tuple(
            Member(user=each.user, role=each.role) for each in listed if each.project == row.name
        ),
    )
