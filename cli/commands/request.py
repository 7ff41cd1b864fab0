"""Options that change what a configuration asks for; `apply` and `offer` have them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

Given = TypeVar("Given")

Name = Annotated[str | None, typer.Option("-n", "--name", help="The run's name.")]
Backends = Annotated[
    list[str] | None,
    typer.Option("-b", "--backend", metavar="NAME", help="Only this backend; repeatable."),
]
Regions = Annotated[
    list[str] | None,
    typer.Option("-r", "--region", metavar="NAME", help="Only this region; repeatable."),
]
InstanceTypes = Annotated[
    list[str] | None,
    typer.Option("--instance-type", metavar="NAME", help="Only this machine type; repeatable."),
]
Fleets = Annotated[
    list[str] | None,
    typer.Option("--fleet", metavar="NAME", help="Only this fleet (not supported yet)."),
]
Cpu = Annotated[str | None, typer.Option("--cpu", metavar="SPEC", help="CPUs, as in `4..`.")]
Gpu = Annotated[
    str | None, typer.Option("--gpu", metavar="SPEC", help="GPUs, as in `A100:80GB:2`.")
]
Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Memory, as in `16GB..`.")
]
Disk = Annotated[str | None, typer.Option("--disk", metavar="SIZE", help="Disk, as in `200GB..`.")]
Spot = Annotated[bool, typer.Option("--spot", help="Only spot machines.")]
OnDemand = Annotated[bool, typer.Option("--on-demand", help="Only on-demand machines.")]
SpotAuto = Annotated[bool, typer.Option("--spot-auto", help="Both, the cheapest first.")]
SpotPolicy = Annotated[
    str | None,
    typer.Option("--spot-policy", metavar="POLICY", help="`spot`, `on-demand` or `auto`."),
]
MaxPrice = Annotated[
    float | None,
    typer.Option("--max-price", metavar="USD", help="The dearest machine, in USD per hour."),
]
Retry = Annotated[bool, typer.Option("--retry", help="Try again on all events, for an hour.")]
NoRetry = Annotated[bool, typer.Option("--no-retry", help="Do not try again.")]
RetryDuration = Annotated[
    str | None,
    typer.Option("--retry-duration", metavar="TIME", help="Try again for so long, as in `2h`."),
]
MaxDuration = Annotated[
    str | None,
    typer.Option("--max-duration", metavar="TIME", help="End the run after so long, or `off`."),
]
IdleDuration = Annotated[
    str | None,
    typer.Option(
        "--idle-duration",
        metavar="TIME",
        help="Keep an idle machine so long, or `off` (no effect yet).",
    ),
]
Reuse = Annotated[
    bool,
    typer.Option("-R", "--reuse", help="Only machines that are there already (not supported yet)."),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="This profile of `.dstack/profiles.yml`; without it the default one.",
    ),
]
NoProfile = Annotated[
    bool, typer.Option("--no-profile", help="Use no profile, not even the default one.")
]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a machine has to be. The names are those of `cli.overrides`, but for the flags."""

    backends: Backends = None
    regions: Regions = None
    instance_types: InstanceTypes = None
    fleets: Fleets = None
    cpu: Cpu = None
    gpu: Gpu = None
    memory: Memory = None
    disk: Disk = None
    spot: Spot = False
    on_demand: OnDemand = False
    spot_auto: SpotAuto = False
    spot_policy: SpotPolicy = None
    max_price: MaxPrice = None

    def overrides(self) -> dict[str, Any]:
        """What was given, for `Overrides`. Raises what typer tells of options that exclude."""
        given = dict(vars(self))
        flags = ("spot", "on_demand", "spot_auto", "spot_policy")
        policy = one_spot_policy(**{name: given.pop(name) for name in flags})
        return {**given, "spot_policy": policy}


@dataclass(frozen=True, kw_only=True)
class Life:
    """How a run lives, and which profile has the rest."""

    retry: Retry = False
    no_retry: NoRetry = False
    retry_duration: RetryDuration = None
    profile: Profile = None
    no_profile: NoProfile = False
    max_duration: MaxDuration = None
    idle_duration: IdleDuration = None
    reuse: Reuse = False

    def overrides(self) -> dict[str, Any]:
        """As those of a machine; the profile is no part of it."""
        duration = self.retry_duration
        return {
            "retry": one_retry(retry=self.retry, no_retry=self.no_retry, duration=duration),
            "retry_duration": duration,
            "max_duration": self.max_duration,
            "idle_duration": self.idle_duration,
            "creation_policy": "reuse" if self.reuse else None,
        }


def one_spot_policy(
    *, spot: bool, on_demand: bool, spot_auto: bool, spot_policy: str | None
) -> str | None:
    """The policy that was chosen; of options that exclude each other, one may be given."""
    chosen = {
        "--spot": "spot" if spot else None,
        "--on-demand": "on-demand" if on_demand else None,
        "--spot-auto": "auto" if spot_auto else None,
        "--spot-policy": spot_policy,
    }
    return _one_of(chosen)


def one_retry(*, retry: bool, no_retry: bool, duration: str | None) -> bool | None:
    """Whether to try again, None when nothing was said about it."""
    _one_of({"--retry": retry or None, "--no-retry": no_retry or None})
    _one_of({"--no-retry": no_retry or None, "--retry-duration": duration})
    return True if retry else False if no_retry else None


def _one_of(options: Mapping[str, Given | None]) -> Given | None:
    given = {option: value for option, value in options.items() if value is not None}
    if len(given) > 1:
        raise typer.BadParameter(f"{' and '.join(given)} exclude each other.")
    return next(iter(given.values()), None)
