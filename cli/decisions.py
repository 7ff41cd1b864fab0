"""What runs decided, as the API has it."""

from datetime import datetime
from typing import Any

from cli.client import Client
from cli.near_name import telling_near_names
from spec.submission import DecisionView

PAGE = 1000
"""Decisions that are asked for at once: as many as the API gives."""


def decisions(
    client: Client,
    run: str | None,
    *,
    limit: int | None = None,
    at: datetime | None = None,
    since: datetime | None = None,
    after: int | None = None,
) -> list[DecisionView]:
    """The newest `limit` decisions, newest first; of one run, or of all of the project.

    `at`: of a run, those up to then; `since`: those from then on; `after`: those of higher numbers.
    Raises `NotFound`.
    """
    where = client.in_project("events") if run is None else _of(client, run)
    times = {"at": at and at.isoformat(), "since": since and since.isoformat(), "after": after}
    asked: dict[str, Any] = {name: value for name, value in times.items() if value is not None}
    found: list[DecisionView] = []
    while limit is None or len(found) < limit:
        asked["limit"] = PAGE if limit is None else min(PAGE, limit - len(found))
        if found:
            asked["before"] = found[-1].id
        with telling_near_names(client, run):
            page = client.get(list[DecisionView], where, **asked)
        found += page
        if len(page) < asked["limit"]:
            break
    return found


def _of(client: Client, run: str) -> str:
    return client.in_project("runs", run, "decisions")
