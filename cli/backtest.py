"""`plan --replay` and `--trace`: what settings would have done to a load of the past."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from rich.table import Table

from cli.client import Client
from cli.configuration import Choice, load
from cli.connection import connect
from cli.terminal import answers, columns, say, show
from cli.waiting import waiting
from perdure.errors import InvalidInput
from spec.backtest import Backtest, BacktestCall, Given, Outcome, RuledOutcome, Source, Trace
from spec.complaint import complaint
from spec.scale import ScalingSpec
from spec.service import ServiceConfiguration
from spec.units import format_duration, format_price

TIME = 270.0
"""Seconds: the offers are asked for, and then a backtest may take a minute."""

WORDS = {Source.OFFERED: "the cheapest offer's"}

HEADINGS = (
    *(" RULE", "REPLICAS", "SETTINGS", "COST", "HOURS", "P50", "P95", "P99", "MAX"),
    *("HELD", "UP", "DOWN", "MOST"),
)


def print_backtest(
    choice: Choice,
    *,
    since: int | None,
    trace: Trace | None,
    given: Mapping[str, float | None],
    project: str | None,
    as_json: bool,
) -> None:
    """Carry it out on the server, and print what came of it. Raises `InvalidInput`.

    `given` are conditions by their names; None: the server knows, or assumes.
    """
    configuration, _ = load(choice, Path.cwd())
    # The values are not needed, and stay here.
    asked = configuration.model_copy(update={"env": {}, "registry_auth": None})
    call = _call(asked, since, trace, given)
    with Client(connect(project)) as client, waiting("Replaying …"):
        found = client.post(Backtest, client.in_project("plans", "replay"), call, seconds=TIME)
    if as_json:
        answers().print(found.model_dump_json(indent=2), soft_wrap=True)
        return
    answers().print()
    show(answers(), facts(found))
    answers().print()
    show(answers(), outcomes(found.outcomes))
    for each in found.outcomes:
        if each.outcome.unserved:
            say(f"warning: {each.rule.value}: {each.outcome.unserved} requests were never served.")


def _call(
    asked: ServiceConfiguration,
    since: int | None,
    trace: Trace | None,
    given: Mapping[str, float | None],
) -> BacktestCall:
    try:
        conditions = Given.model_validate(dict(given))
        return BacktestCall(configuration=asked, since=since, trace=trace, conditions=conditions)
    except ValidationError as error:
        found = complaint(error.errors(include_url=False)[0], BacktestCall)
        raise InvalidInput(found.message, hint=found.hint) from error


def facts(found: Backtest) -> Table:
    """What was replayed, and under which conditions."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    terms = found.conditions
    price = "-" if terms.price is None else f"{format_price(terms.price)} an hour"
    values = {
        "slots": ("Slots", f"{terms.slots} a replica"),
        "cold_start": ("Cold start", _seconds(terms.cold_start)),
        "service_time": ("Service time", f"{_seconds(terms.service_time)} on average"),
        "price": ("Price", price),
    }
    table.add_row(" Load", f"{found.requests:,} requests in {format_duration(found.seconds)}")
    table.add_row(" Steps", f"counted by {found.step}s, decided every {found.tick}s")
    for name, (heading, value) in values.items():
        source = found.sources[name]
        told = WORDS.get(source, source.value)
        table.add_row(f" {heading}", value if value == "-" else f"{value} ({told})")
    return table


def outcomes(found: tuple[RuledOutcome, ...]) -> Table:
    """A row for each rule: its settings, its cost, and the waits."""
    table = columns(*HEADINGS, folding=("SETTINGS",))
    for each in found:
        table.add_row(f" {each.rule.value}", str(each.asked.replicas), *_cells(each))
    return table


def _cells(each: RuledOutcome) -> tuple[str, ...]:
    outcome, waits = each.outcome, each.outcome.waits
    return (
        _settings(each.asked),
        _cost(outcome),
        f"{outcome.replica_hours:.1f}",
        *(_seconds(wait) for wait in (waits.p50, waits.p95, waits.p99, waits.longest)),
        f"{waits.share_held:.1%}",
        *(str(count) for count in (outcome.ups, outcome.downs, outcome.most_replicas)),
    )


def _settings(asked: ScalingSpec) -> str:
    if asked.replicas.fixed:
        return "-"
    scaling = asked.scaling
    up, down = (
        format_duration(each) for each in (scaling.scale_up_delay, scaling.scale_down_delay)
    )
    return f"{scaling.metric.value} {scaling.target:g}, up {up}, down {down}"


def _cost(outcome: Outcome) -> str:
    return "-" if outcome.cost is None else f"${outcome.cost:,.2f}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}s"
