"""`apply` and `offer`: from a configuration to a run, or to what there is for it."""

from typing import Annotated

import typer

from cli.commands import options, request

MAX_OFFERS = 3


def apply(
    *,
    file: options.File = None,
    yes: options.Yes = False,
    detach: Annotated[
        bool, typer.Option("-d", "--detach", help="Return as soon as the run is submitted.")
    ] = False,
    name: request.Name = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "-e",
            "--env",
            metavar="NAME[=VALUE]",
            help="A variable; without a value the one in your environment. Repeatable.",
        ),
    ] = None,
    project: options.Project = None,
    max_offers: Annotated[
        int, typer.Option("--max-offers", min=0, help="How many offers the plan shows.")
    ] = MAX_OFFERS,
    backend: request.Backends = None,
    region: request.Regions = None,
    instance_type: request.InstanceTypes = None,
    fleet: request.Fleets = None,
    cpu: request.Cpu = None,
    gpu: request.Gpu = None,
    memory: request.Memory = None,
    disk: request.Disk = None,
    spot: request.Spot = False,
    on_demand: request.OnDemand = False,
    spot_auto: request.SpotAuto = False,
    spot_policy: request.SpotPolicy = None,
    max_price: request.MaxPrice = None,
    retry: request.Retry = False,
    no_retry: request.NoRetry = False,
    retry_duration: request.RetryDuration = None,
    profile: request.Profile = None,
    no_profile: request.NoProfile = False,
    max_duration: request.MaxDuration = None,
    idle_duration: request.IdleDuration = None,
    reuse: request.Reuse = False,
    full_offers: Annotated[
        bool, typer.Option("--full-offers", help="Show all offers, with their machine types.")
    ] = False,
    repo: Annotated[
        str | None,
        typer.Option("-P", "--repo", metavar="PATH", help="The code, instead of this folder's."),
    ] = None,
    no_repo: Annotated[bool, typer.Option("--no-repo", help="Without any code.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Apply even if the run changes in between.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show the offers' machine types.")
    ] = False,
) -> None:
    """Run a service, or update the one that runs.

    Shows the plan with the offers and their prices, asks, uploads the code, and stays with the run
    until it ends. Ctrl-C asks whether to stop it.

    Exit code: 0 when all went well, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 no
    capacity, 124 out of time, 130 interrupted.
    """
    policy = request.one_spot_policy(
        spot=spot, on_demand=on_demand, spot_auto=spot_auto, spot_policy=spot_policy
    )
    retries = request.one_retry(retry=retry, no_retry=no_retry, duration=retry_duration)
    from cli.configuration import Choice
    from cli.deployment import Deployment, deploy
    from cli.overrides import Overrides

    overrides = Overrides(
        name=name,
        backends=backend,
        regions=region,
        instance_types=instance_type,
        fleets=fleet,
        cpu=cpu,
        gpu=gpu,
        memory=memory,
        disk=disk,
        spot_policy=policy,
        max_price=max_price,
        retry=retries,
        retry_duration=retry_duration,
        max_duration=max_duration,
        idle_duration=idle_duration,
        creation_policy="reuse" if reuse else None,
    )

    code = deploy(
        Deployment(
            choice=Choice(file, profile, no_profile=no_profile, overrides=overrides),
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
    )
    raise typer.Exit(code)


def offer(
    *,
    file: Annotated[
        str | None,
        typer.Option(
            "-f",
            "--file",
            metavar="FILE",
            help="For this configuration; `-` for stdin.",
        ),
    ] = None,
    project: options.Project = None,
    max_offers: Annotated[
        int | None, typer.Option("--max-offers", min=1, help="How many to show; all without it.")
    ] = None,
    backend: request.Backends = None,
    region: request.Regions = None,
    instance_type: request.InstanceTypes = None,
    fleet: request.Fleets = None,
    cpu: request.Cpu = None,
    gpu: request.Gpu = None,
    memory: request.Memory = None,
    disk: request.Disk = None,
    spot: request.Spot = False,
    on_demand: request.OnDemand = False,
    spot_auto: request.SpotAuto = False,
    spot_policy: request.SpotPolicy = None,
    max_price: request.MaxPrice = None,
    as_json: options.Json = False,
) -> None:
    """Show where a service could run, and at what price."""
    policy = request.one_spot_policy(
        spot=spot, on_demand=on_demand, spot_auto=spot_auto, spot_policy=spot_policy
    )
    from cli.offers import show_offers
    from cli.overrides import Overrides

    overrides = Overrides(
        backends=backend,
        regions=region,
        instance_types=instance_type,
        fleets=fleet,
        cpu=cpu,
        gpu=gpu,
        memory=memory,
        disk=disk,
        spot_policy=policy,
        max_price=max_price,
    )
    show_offers(file, overrides, project=project, max_offers=max_offers, as_json=as_json)
