"""`ps`, `status`, `metrics`, `logs`, `stop`, `delete`: runs that there are."""

from typing import Annotated

import typer

from cli.commands import options


def complete_runs(context: typer.Context, incomplete: str) -> list[str]:
    """Runs that live, for a shell that completes."""
    from cli.completion import run_names

    return run_names(context.params.get("project"), incomplete)


Run = Annotated[
    str, typer.Argument(metavar="RUN", help="The run's name.", autocompletion=complete_runs)
]
Runs = Annotated[
    list[str], typer.Argument(metavar="RUN", help="The runs' names.", autocompletion=complete_runs)
]


def ps(
    show_all: Annotated[
        bool, typer.Option("-a", "--all", help="Runs that have ended, too.")
    ] = False,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Keep it up to date.")] = False,
    verbose: Annotated[
        bool,
        typer.Option("-v", "--verbose", help="Show each replica, even a single one, and the URLs."),
    ] = False,
    project: options.Project = None,
    as_json: options.Json = False,
) -> None:
    """Show the runs of the project.

    Replicas are marked: ✓ ready, ~ not yet, × failing, - not any more.
    """  # noqa: RUF002 - the marks as they are shown
    from cli.listing import print_runs, watch_runs

    if watch and not as_json:
        watch_runs(project, show_all=show_all, verbose=verbose)
    else:
        print_runs(project, show_all=show_all, verbose=verbose, as_json=as_json)


def status(
    run: Run,
    at: options.At = None,
    project: options.Project = None,
    as_json: options.Json = False,
) -> None:
    """Show a run with its replicas, now or as it was.

    How it was is known for as long as its decisions are kept.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.run_status import print_status

    with Client(connect(project)) as client:
        print_status(client, run, at=at, as_json=as_json)


def metrics(
    run: Run,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Keep it up to date.")] = False,
    project: options.Project = None,
    as_json: options.Json = False,
) -> None:
    """Show the numbers of a run: requests, replicas, cost.

    Requests are counted since the proxies were started. With `-w` each two seconds, until Ctrl-C or
    the end of the run; with `--json` each time on a line of its own.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.run_metrics import print_metrics, watch_metrics

    with Client(connect(project)) as client:
        print_or_watch = watch_metrics if watch else print_metrics
        print_or_watch(client, run, as_json=as_json)


def logs(
    run: Run,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on with what comes, until the run ends.")
    ] = False,
    replica: Annotated[
        int | None, typer.Option("--replica", min=0, metavar="N", help="Only this replica.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Only what was written in the last TIME, as in `1h`."
        ),
    ] = None,
    project: options.Project = None,
) -> None:
    """Print the output of a run's replicas.

    What they wrote to stdout goes to stdout, what they wrote to stderr to stderr.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.printed_logs import show_logs

    with Client(connect(project)) as client:
        show_logs(client, run, following=follow, replica=replica, since=since)


def stop(
    runs: Runs,
    abort: Annotated[
        bool, typer.Option("-x", "--abort", help="At once, without letting requests finish.")
    ] = False,
    yes: options.Yes = False,
    project: options.Project = None,
) -> None:
    """Stop runs, and wait until they have ended."""
    from cli.client import Client
    from cli.connection import connect
    from cli.stopping import stop_runs

    with Client(connect(project)) as client:
        code = stop_runs(client, runs, abort=abort, yes=yes)
    raise typer.Exit(code)


def delete(
    file: options.File = None,
    yes: options.Yes = False,
    project: options.Project = None,
) -> None:
    """Stop the run of a configuration."""
    from cli.configuration import read_text
    from perdure.errors import InvalidInput
    from spec.reader import read_configuration

    name, text = read_text(file)
    run = read_configuration(text, name).name
    if run is None:
        raise InvalidInput(f"`{name}` does not name its run.", hint="Use `perdure stop RUN`.")
    stop([run], yes=yes, project=project)
