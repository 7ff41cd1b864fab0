"""`apply` and `offer`: from a configuration to a run, or to what there is for it."""

from typing import Annotated

import typer

from cli.commands import options, request
from cli.commands.grouped import grouped

MAX_OFFERS = 3

Detach = Annotated[
    bool, typer.Option("-d", "--detach", help="Return as soon as the run is submitted.")
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "-e",
        "--env",
        metavar="NAME[=VALUE]",
        help="A variable; without a value the one in your environment. Repeatable.",
    ),
]
MaxOffers = Annotated[
    int, typer.Option("--max-offers", min=0, help="How many offers the plan shows.")
]
FullOffers = Annotated[
    bool, typer.Option("--full-offers", help="Show all offers, with their machine types.")
]
Repo = Annotated[
    str | None,
    typer.Option("-P", "--repo", metavar="PATH", help="The code, instead of this folder's."),
]
NoRepo = Annotated[bool, typer.Option("--no-repo", help="Without any code.")]
Force = Annotated[bool, typer.Option("--force", help="Apply even if the run changes in between.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show the offers' machine types.")]
OfferFile = Annotated[
    str | None,
    typer.Option("-f", "--file", metavar="FILE", help="For this configuration; `-` for stdin."),
]
ShownOffers = Annotated[
    int | None, typer.Option("--max-offers", min=1, help="How many to show; all without it.")
]


@grouped
def apply(
    *,
    file: options.File = None,
    yes: options.Yes = False,
    detach: Detach = False,
    name: request.Name = None,
    env: Env = None,
    project: options.Project = None,
    max_offers: MaxOffers = MAX_OFFERS,
    machine: request.Machine,
    life: request.Life,
    full_offers: FullOffers = False,
    repo: Repo = None,
    no_repo: NoRepo = False,
    force: Force = False,
    verbose: Verbose = False,
) -> None:
    """Run a service, or update the one that runs.

    Shows the plan with the offers and their prices, asks, and uploads the code. With a new run it
    stays until that ends; Ctrl-C asks whether to stop it. With an update it stays until that is
    done, or was undone: exit code 1.

    Exit code: 0 when all went well, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 no
    capacity, 124 out of time, 130 interrupted.
    """
    given = {"name": name, **machine.overrides(), **life.overrides()}
    from cli.configuration import Choice
    from cli.deployment import Deployment, deploy
    from cli.overrides import Overrides

    choice = Choice(file, life.profile, no_profile=life.no_profile, overrides=Overrides(**given))
    asked = Deployment(
        choice=choice,
        variables=tuple(env or ()),
        project=project,
        repository=repo,
        no_repository=no_repo,
        max_offers=None if full_offers else max_offers,
        yes=yes,
        detach=detach,
        force=force,
        verbose=verbose or full_offers,
    )
    raise typer.Exit(deploy(asked))


@grouped
def offer(
    *,
    file: OfferFile = None,
    project: options.Project = None,
    max_offers: ShownOffers = None,
    machine: request.Machine,
    as_json: options.Json = False,
) -> None:
    """Show where a service could run, and at what price."""
    given = machine.overrides()
    from cli.offers import show_offers
    from cli.overrides import Overrides

    show_offers(file, Overrides(**given), project=project, max_offers=max_offers, as_json=as_json)
