"""A project's secrets: sealed, listed by name, read only where a container is started."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, select

from perdure.errors import NotFound
from spec.audit import Action
from spec.interpolation import unknown_secrets
from spec.people import Secret
from store.audit import Author, Entry, note
from store.database import Database
from store.living import require_living
from store.locks import Lock
from store.sealing import Seal
from store.tables import secrets
from store.upsert import upsert


class Secrets:
    """All projects' secrets."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def set(self, project: str, name: str, value: str, *, by: Author | None = None) -> Secret:
        """Make the secret, or give it another value. Raises `NotFound`."""
        secret = Secret(name=name, updated_at=self._database.clock())
        sealed = self._seal.close(value.encode(), secrets.name, project, name)
        row = secret.model_dump() | {"project": project} | sealed
        async with self._database.write(Lock.PROJECT.of(project)) as connection:
            await require_living(connection, project)
            await upsert(connection, secrets, row)
            entry = Entry(Action.SECRET_SET, f"{project}/{name}", project)
            await note(connection, self._database.clock(), by, entry)
        return secret

    async def of(self, project: str) -> tuple[Secret, ...]:
        """The project's secrets by name, without values."""
        shown = select(secrets.c.name, secrets.c.updated_at).where(secrets.c.project == project)
        async with self._database.read() as connection:
            rows = await connection.execute(shown.order_by(secrets.c.name))
            return tuple(Secret.model_validate(row._asdict()) for row in rows)

    async def delete(self, project: str, name: str, *, by: Author | None = None) -> None:
        """Forget the secret. Raises `NotFound`."""
        async with self._database.write() as connection:
            gone = await connection.execute(delete(secrets).where(*_at(project, name)))
            if not gone.rowcount:
                raise NotFound(f"The project `{project}` has no secret `{name}`.")
            entry = Entry(Action.SECRET_DELETE, f"{project}/{name}", project)
            await note(connection, self._database.clock(), by, entry)

    async def all_values(self) -> frozenset[str]:
        """Every value of every project: for whoever has to leave them out of something."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(secrets))).all()
        return frozenset(
            self._seal.open(row.sealed, row.sealed_by, secrets.name, row.project, row.name).decode()
            for row in rows
        )

    async def values(self, project: str, names: Iterable[str]) -> dict[str, str]:
        """The values of these secrets. Raises `UnknownSecret` with all that are missing."""
        wanted = sorted(set(names))
        found = select(secrets).where(secrets.c.project == project, secrets.c.name.in_(wanted))
        async with self._database.read() as connection:
            rows = (await connection.execute(found)).all()
        require(wanted, (row.name for row in rows))
        return {
            row.name: self._seal.open(
                row.sealed, row.sealed_by, secrets.name, project, row.name
            ).decode()
            for row in rows
        }


def require(wanted: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UnknownSecret` when a wanted name is not among the known ones."""
    missing = sorted(set(wanted) - set(known))
    if missing:
        raise unknown_secrets(missing)


def _at(project: str, name: str) -> tuple[ColumnElement[bool], ...]:
    return (secrets.c.project == project, secrets.c.name == name)
