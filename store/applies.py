"""What a project's requests to apply have left: whoever deletes the project looks through it."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from perdure.errors import Conflict
from spec.public import Model
from store.locks import Lock, require
from store.tables import envelopes, idempotency

CUT = timedelta(minutes=5)
"""A request without an answer for that long was cut: its API died, or Temporal was away."""


class Applies(Model):
    """What there was at one moment.

    `settled`: the ids of the requests that are not on their way, and whether each has an answer.
    `runs`: the names that any request, or sealed values, are for. No living run has another name,
    unless its request is on its way: its sealed values stay for as long as it lives.
    """

    settled: frozenset[tuple[str, bool]] = frozenset()
    runs: frozenset[str] = frozenset()


async def applies_of(connection: AsyncConnection, project: str, now: datetime) -> Applies:
    """What there is now, in one view."""
    requests = await _requests(connection, project)
    given = select(envelopes.c.run).where(envelopes.c.project == project)
    names = await connection.scalars(given)
    return Applies(
        settled=frozenset(
            (request, answered)
            for request, answered, _, created_at in requests
            if answered or created_at <= now - CUT
        ),
        runs=frozenset(names) | {run for _, _, run, _ in requests},
    )


async def require_settled(connection: AsyncConnection, project: str, seen: Applies) -> None:
    """Raise `Conflict` when a request was on its way at that moment, came later, or got on.

    What may have started a run since has its row still, for the transaction holds the project's
    lock: only a request that was refused, or is a week old, loses it.
    """
    require(connection, Lock.PROJECT.of(project))
    for request, answered, run, _ in await _requests(connection, project):
        if (request, answered) not in seen.settled:
            raise Conflict(
                f"The run `{run}` is just being applied in the project `{project}`.",
                hint="Stop it first. An apply that was cut is forgotten after "
                f"{int(CUT.total_seconds() // 60)} minutes.",
            )


async def _requests(
    connection: AsyncConnection, project: str
) -> list[tuple[str, bool, str, datetime]]:
    """Each one's id, whether it has an answer, its run, and when it came first."""
    of_project = select(idempotency).where(idempotency.c.project == project)
    rows = await connection.execute(of_project.order_by(idempotency.c.created_at))
    return [(row.request, row.answer is not None, row.run, row.created_at) for row in rows]
