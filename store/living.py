"""A project that is there: whoever writes into one sees to it in the transaction that writes."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from perdure.errors import NotFound
from store.locks import Lock, require
from store.tables import projects


async def require_living(connection: AsyncConnection, project: str) -> None:
    """Raise `NotFound` when the project was deleted, or never was.

    The transaction holds the project's lock, so that a deletion comes before, and is seen, or after
    what is written, and removes it.
    """
    require(connection, Lock.PROJECT.of(project))
    living = (projects.c.name == project, projects.c.deleted_at.is_(None))
    if await connection.scalar(select(projects.c.name).where(*living)) is None:
        raise no_project(project)


def no_project(name: str) -> NotFound:
    """There is none of that name, or none any more."""
    return NotFound(f"There is no project `{name}`.", hint="`perdure project list` shows yours.")
