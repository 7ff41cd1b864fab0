"""`events`: what the runs of a project decided, a line each."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from cli.client import Client
from cli.decisions import decisions
from cli.explanation import one_line
from cli.past import past, shown
from cli.persistence import patiently
from cli.terminal import answers, list_values, say
from spec.submission import DecisionView

PAUSE = 1.0
"""Seconds between two questions for what is new."""


def print_events(
    client: Client, run: str | None, *, since: str | None, limit: int | None, as_json: bool
) -> None:
    """Print the decisions from a time on, the newest last. Raises `NotFound`, `InvalidInput`."""
    now = datetime.now(UTC)
    begin = None if since is None else past(since, now).begin
    found = decisions(client, run, since=begin, limit=limit)[::-1]
    if as_json:
        list_values(found, as_json=True)
        return
    console = answers()
    for event in found:
        console.print(event_line(event, now), soft_wrap=True)
    if not found:
        where = (
            f"in the project {client.connection.project}" if run is None else f"by the run {run}"
        )
        say(f"Nothing was decided {where}{'' if since is None else ' since then'}.")


def follow_events(
    client: Client, run: str | None, *, since: str | None, limit: int | None, as_json: bool
) -> None:
    """Print the decisions, and those that come, until Ctrl-C; as JSON, an object in each line.

    Raises as `print_events`.
    """
    console = answers()
    begin = None if since is None else past(since, datetime.now(UTC)).begin
    for event in coming(client, run, since=begin, limit=limit):
        if as_json:
            console.print(event.model_dump_json(), soft_wrap=True)
        else:
            console.print(event_line(event, datetime.now(UTC)), soft_wrap=True)


def coming(
    client: Client,
    run: str | None,
    *,
    since: datetime | None,
    limit: int | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[DecisionView]:
    """The newest `limit` decisions, and all that come, each once, in their order; without an end.

    A server that is away is asked again for a while.
    """
    found = decisions(client, run, since=since, limit=limit)
    last = 0
    while True:
        yield from found[::-1]
        last = found[0].id if found else last
        sleep(PAUSE)
        found = patiently(lambda: decisions(client, run, since=since, after=last))  # noqa: B023


def event_line(event: DecisionView, now: datetime) -> str:
    """The decision on a line: when, whose, and what came of it."""
    return f"{shown(event.at, now)}  {event.run}: {one_line(event.outcome)}"
