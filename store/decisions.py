"""Decisions: inputs, rule, outcome and rejected alternatives, so that each can be explained."""

from datetime import datetime

from sqlalchemy import insert, select

from spec.public import Model
from store.database import Database
from store.tables import decisions


class Decision(Model):
    """What was decided for a run by which rule; the other texts are JSON."""

    project: str
    run: str
    incarnation: str
    rule: str
    inputs: str
    outcome: str
    rejected: str
    at: datetime


class Decisions:
    """All decisions. Only ever appended to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, decision: Decision) -> None:
        """Keep a decision."""
        async with self._database.write() as connection:
            await connection.execute(insert(decisions).values(decision.model_dump()))

    async def latest(self, project: str, run: str, limit: int) -> tuple[Decision, ...]:
        """A run's newest decisions, newest first."""
        of_run = (decisions.c.project == project, decisions.c.run == run)
        newest = select(decisions).where(*of_run).order_by(decisions.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = await connection.execute(newest)
            return tuple(Decision.model_validate(row._asdict()) for row in rows)
