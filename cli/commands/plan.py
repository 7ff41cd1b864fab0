"""`plan`: what an apply would do, and what it would have done to a load of the past."""

from typing import Annotated

import typer

from cli.commands import apply, options, request
from cli.commands.grouped import grouped

Replay = Annotated[
    str | None,
    typer.Option(
        "--replay",
        metavar="TIME",
        help="Replay the load that the run had in the last TIME, as in `7d`.",
    ),
]
TraceFile = Annotated[
    str | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Replay the load of a CSV file, whose first line is `second,requests`.",
    ),
]
Price = Annotated[
    float | None,
    typer.Option(
        "--price",
        min=0,
        metavar="USD",
        help="Of a replica, per hour; without it what the run's costs, or the cheapest offer.",
    ),
]
Slots = Annotated[
    int | None,
    typer.Option("--slots", min=1, help="Requests that a replica serves at once; 8 without it."),
]
ColdStart = Annotated[
    str | None,
    typer.Option(
        "--cold-start",
        metavar="TIME",
        help="How long until a replica is ready; without it as measured, or 120 s.",
    ),
]
ServiceTime = Annotated[
    str | None,
    typer.Option(
        "--service-time",
        metavar="TIME",
        help="How long a request takes; without it as measured, or 20 s.",
    ),
]


@grouped
def plan(
    *,
    file: options.File = None,
    name: request.Name = None,
    env: apply.Env = None,
    project: options.Project = None,
    max_offers: apply.MaxOffers = apply.MAX_OFFERS,
    machine: request.Machine,
    life: request.Life,
    full_offers: apply.FullOffers = False,
    repo: apply.Repo = None,
    no_repo: apply.NoRepo = False,
    verbose: apply.Verbose = False,
    replay: Replay = None,
    trace: TraceFile = None,
    price: Price = None,
    slots: Slots = None,
    cold_start: ColdStart = None,
    service_time: ServiceTime = None,
    as_json: options.Json = False,
) -> None:
    """Show what `apply` would do, and change nothing.

    With `--replay` or `--trace`: what the settings would have cost under a load of the past, and
    how long requests would have waited, beside the settings in force and the reference's rule.
    """
    given = {"name": name, **machine.overrides(), **life.overrides()}
    from cli.configuration import Choice
    from cli.overrides import Overrides

    choice = Choice(file, life.profile, no_profile=life.no_profile, overrides=Overrides(**given))
    terms = {
        "price": price,
        "slots": slots,
        "cold_start": _seconds("--cold-start", cold_start),
        "service_time": _seconds("--service-time", service_time),
    }
    if replay is None and trace is None:
        _only_for_a_load(terms)
        from cli.deployment import Deployment
        from cli.planning import print_plan

        asked = Deployment(
            choice=choice,
            variables=tuple(env or ()),
            project=project,
            repository=repo,
            no_repository=no_repo,
            max_offers=None if full_offers else max_offers,
            verbose=verbose or full_offers,
        )
        print_plan(asked, as_json=as_json)
        return
    if replay is not None and trace is not None:
        raise typer.BadParameter("--replay and --trace exclude each other.")
    from cli.backtest import print_backtest
    from cli.trace import read_trace

    since = _seconds("--replay", replay)
    print_backtest(
        choice,
        since=None if since is None else int(since),
        trace=None if trace is None else read_trace(trace),
        given=terms,
        project=project,
        as_json=as_json,
    )


def _only_for_a_load(terms: dict[str, float | int | None]) -> None:
    for option, value in terms.items():
        if value is not None:
            dashed = option.replace("_", "-")
            raise typer.BadParameter(f"--{dashed} belongs to --replay or --trace.")


def _seconds(option: str, given: str | None) -> float | None:
    """A duration; seconds may have a fraction. Raises what typer tells of a wrong option."""
    if given is None:
        return None
    from pydantic_core import PydanticCustomError

    from spec.units import parse_duration

    try:
        return float(given)
    except ValueError:
        pass
    try:
        return parse_duration(given)
    except PydanticCustomError as error:
        raise typer.BadParameter(f"{option}: {given!r} is no duration, as in `90s`.") from error
