"""`audit`: who did what."""

from typing import Annotated

import typer

from cli.commands import options


def audit(
    project: Annotated[
        str | None,
        typer.Option(
            "--project",
            metavar="NAME",
            help="Only this project's; without it, all that you may see.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="From a time on, or for so long: `7d`."),
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="At most so many.")] = 100,
    as_json: options.Json = False,
) -> None:
    """Show what people did, newest first. It is for admins of a project, and of the server."""
    from cli.audit import events
    from cli.terminal import list_values

    columns = (
        ("TIME", "at"),
        ("USER", "user"),
        ("ACTION", "action"),
        ("SUBJECT", "subject"),
        ("OUTCOME", "outcome"),
        ("TOKEN", "token"),
    )
    list_values(events(project, since, limit), *columns, as_json=as_json)
