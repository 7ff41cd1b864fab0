"""The audit log: who did what to whom. Only ever appended to; never a secret in it."""

from datetime import datetime

from sqlalchemy import insert, select

from spec.public import Model
from store.database import Database
from store.tables import audit


class AuditEvent(Model):
    """`user` did `action` (as in `token.create`) to `subject`."""

    at: datetime
    user: str
    action: str
    subject: str


class Audit:
    """All audit events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, user: str, action: str, subject: str) -> None:
        """Append an event."""
        event = AuditEvent(at=self._database.clock(), user=user, action=action, subject=subject)
        async with self._database.write() as connection:
            await connection.execute(insert(audit).values(event.model_dump()))

    async def latest(self, limit: int) -> tuple[AuditEvent, ...]:
        """The newest events, newest first."""
        newest = select(audit).order_by(audit.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = await connection.execute(newest)
            return tuple(AuditEvent.model_validate(row._asdict()) for row in rows)
