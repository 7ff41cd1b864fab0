"""The audit log. Only ever appended to, and bounded by age; never a secret in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from spec.audit import Action, AuditEvent, Outcome
from spec.public import Model
from store.database import Database
from store.tables import audit

LONGEST = 300
"""Characters of a subject that are kept: it may be what somebody typed."""


class Author(Model):
    """Who does something: a user, by the token of this id. Both empty: nobody known."""

    user: str = ""
    token: str = ""


NOBODY = Author()


@dataclass(frozen=True)
class Entry:
    """What an event says besides who and when."""

    action: Action
    subject: str
    project: str | None = None
    outcome: Outcome = Outcome.DONE


@dataclass(frozen=True)
class AuditFilter:
    """Which events: of one project, from a time on, older than the event of number `before`."""

    project: str | None = None
    since: datetime | None = None
    before: int | None = None


class Audit:
    """All audit events."""

    def __init__(self, database: Database, kept: timedelta) -> None:
        """Events are `kept` for so long."""
        self._database = database
        self._kept = kept

    async def record(self, by: Author, entry: Entry) -> None:
        """Append an event of what is no change of the store itself."""
        async with self._database.write() as connection:
            await note(connection, self._database.clock(), by, entry)

    async def read(self, limit: int, only: AuditFilter = AuditFilter()) -> tuple[AuditEvent, ...]:
        """The newest events, newest first."""
        newest = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if only.project is not None:
            newest = newest.where(audit.c.project == only.project)
        if only.since is not None:
            newest = newest.where(audit.c.at >= only.since)
        if only.before is not None:
            newest = newest.where(audit.c.id < only.before)
        async with self._database.read() as connection:
            rows = await connection.execute(newest)
            return tuple(AuditEvent.model_validate(row._asdict()) for row in rows)

    async def expire(self) -> int:
        """Drop the events that were kept for long enough; how many there were."""
        over = audit.c.at < self._database.clock() - self._kept
        async with self._database.read() as connection:
            if await connection.scalar(select(audit.c.id).where(over).limit(1)) is None:
                return 0
        async with self._database.write() as connection:
            return (await connection.execute(delete(audit).where(over))).rowcount


async def note(connection: AsyncConnection, at: datetime, by: Author | None, entry: Entry) -> None:
    """Append an event in the transaction of what it tells, so that there is both or neither.

    Nothing is noted for None: what the server does by itself.
    """
    if by is None:
        return
    subject = entry.subject[:LONGEST].replace("\0", "\ufffd")
    row = vars(entry) | {"at": at, "user": by.user, "token": by.token, "subject": subject}
    await connection.execute(insert(audit).values(row))
