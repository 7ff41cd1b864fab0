"""`scale`: a number of replicas that somebody sets, whatever the load says."""

from datetime import UTC, datetime

from cli.client import Client
from cli.near_name import telling_near_names
from cli.persistence import persist
from cli.run_table import describe_override
from cli.terminal import say
from cli.waiting import waiting
from perdure.errors import InvalidInput
from spec.scale import ScaleRequest
from spec.submission import RunView
from spec.units import parse_duration

SCALE_TIME = 30.0
"""Seconds for the answer."""


def scale_run(
    client: Client, name: str, replicas: int | None, *, auto: bool, duration: str | None
) -> None:
    """Set the number, or take it back with `auto`. Raises `NotFound` and what the run refuses."""
    request = _request(replicas, auto=auto, duration=duration)
    where = client.in_project("runs", name, "scale")
    with telling_near_names(client, name), waiting("Setting the number …"):
        run = persist(lambda: client.post(RunView, where, request, seconds=SCALE_TIME))
    if run.override is None:
        wanted = "1 replica is" if run.desired == 1 else f"{run.desired} replicas are"
        say(f"The run {name} has its number from its configuration again: {wanted} wanted now.")
        return
    told = describe_override(run.override, datetime.now(UTC))
    say(f"The replicas of {name} are {told}. `perdure scale {name} --auto` takes that back.")


def _request(replicas: int | None, *, auto: bool, duration: str | None) -> ScaleRequest:
    if auto == (replicas is not None):
        raise InvalidInput(
            "It is either a number of replicas or `--auto`.",
            hint="`perdure scale RUN 3` sets it, `perdure scale RUN --auto` takes that back.",
        )
    if duration is None:
        return ScaleRequest(replicas=replicas) if replicas is not None else ScaleRequest()
    if replicas is None:
        raise InvalidInput("`--for` is for a number of replicas.", hint="Leave it out.")
    return ScaleRequest(replicas=replicas, seconds=_seconds(duration))


def _seconds(duration: str) -> int:
    try:
        seconds = parse_duration(duration)
    except ValueError:
        seconds = 0
    if seconds < 1:
        raise InvalidInput(
            f"`{duration}` is no duration.", hint="Write it as in `90s`, `5m`, `1h` or `2d`."
        )
    return seconds
