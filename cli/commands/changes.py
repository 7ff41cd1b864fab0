"""`scale`, `rollback`: changes of runs that take no configuration."""

from typing import Annotated

import typer

from cli.commands import options
from cli.commands.apply import Detach
from cli.commands.runs import Run


def scale(
    run: Run,
    replicas: Annotated[
        int | None, typer.Argument(metavar="N", min=0, help="How many replicas; 0 for none.")
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="For so long, as in `1h`; else until `--auto`."),
    ] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Take the number back.")] = False,
    project: options.Project = None,
) -> None:
    """Set how many replicas a run has, by hand.

    It counts whatever the load and the configuration say. `--auto` takes that back: the load
    decides again, or the configuration.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.scaling import scale_run

    with Client(connect(project)) as client:
        scale_run(client, run, replicas, auto=auto, duration=duration)


def rollback(
    run: Run,
    to: Annotated[
        int | None,
        typer.Option(
            "--to",
            metavar="REVISION",
            min=1,
            help="The revision to go back to; without it, the last one that was different.",
        ),
    ] = None,
    yes: options.Yes = False,
    detach: Detach = False,
    project: options.Project = None,
) -> None:
    """Go back to what a run was before its last change.

    To its configuration, its values and its code. Shows the changes, asks, and stays until that is
    done, as an update by `apply` does.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.rollback import roll_back

    with Client(connect(project)) as client:
        code = roll_back(client, run, to=to, yes=yes, detach=detach)
    raise typer.Exit(code)
