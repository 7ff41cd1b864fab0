"""`why`, `events`: what runs decided."""

from typing import Annotated

import typer

from cli.commands import options
from cli.commands.runs import Run, complete_runs


def why(
    run: Run,
    at: options.At = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="At most so many.")] = 10,
    project: options.Project = None,
    as_json: options.Json = False,
) -> None:
    """Say why a run is as it is, by its decisions.

    The newest first, each with the facts that it was made from, and what was not done instead. With
    `--at` those up to then: the first one was in force.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.explanation import print_reasons

    with Client(connect(project)) as client:
        print_reasons(client, run, at=at, limit=limit, as_json=as_json)


def events(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Only this run's.", autocompletion=complete_runs),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="From then on: `03:12`, `2026-11-29 03:12`, or `1h` ago.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", min=1, help="At most so many, the last ones.")
    ] = 100,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    project: options.Project = None,
    as_json: options.Json = False,
) -> None:
    """List what the runs of the project decided.

    A line for each decision, the newest last.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.events import follow_events, print_events

    with Client(connect(project)) as client:
        print_or_follow = follow_events if follow else print_events
        print_or_follow(client, run, since=since, limit=limit, as_json=as_json)
