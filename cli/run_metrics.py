"""`metrics`: the numbers of a run now, or kept up to date."""

import json
import time
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.client import Client
from cli.fitting_table import FittingTable
from cli.near_name import telling_near_names
from cli.persistence import patiently
from cli.run_table import mark
from cli.terminal import answers, say, show
from spec.run_metrics import ReplicaMetrics, RunMetrics
from spec.units import format_price

REFRESH = 2.0
"""Seconds between two pictures: each asks all proxies."""


def print_metrics(client: Client, name: str, *, as_json: bool) -> None:
    """Print the numbers once. Raises `NotFound`."""
    found = fetch_metrics(client, name)
    if as_json:
        answers().print(json.dumps(found.model_dump(mode="json"), indent=2), soft_wrap=True)
        return
    show(answers(), metrics_table(found))
    if found.note:
        say(f"warning: {found.note}")


def watch_metrics(client: Client, name: str, *, as_json: bool) -> None:
    """Show the numbers until Ctrl-C, or until the run has ended.

    Without a terminal they are printed one below the other; as JSON an object is a line.
    """
    console = answers()
    if as_json:
        for found in _metrics(client, name):
            console.print(found.model_dump_json(), soft_wrap=True)
            console.file.flush()
        return
    if not console.is_terminal:
        for found in _metrics(client, name):
            show(console, _picture(found))
            console.file.flush()
        return
    with Live(console=console, auto_refresh=False) as live:
        for found in _metrics(client, name):
            live.update(_picture(found), refresh=True)


def fetch_metrics(client: Client, name: str) -> RunMetrics:
    """The numbers of now. Raises `NotFound`, with the nearest name that there is."""
    with telling_near_names(client, name):
        return client.get(RunMetrics, client.in_project("runs", name, "metrics"))


def metrics_table(found: RunMetrics) -> RenderableType:
    """The numbers of the run, and a row for each replica that lives."""
    return Group(_run(found), "", _replicas(found)) if found.replicas else _run(found)


def _metrics(client: Client, name: str) -> Iterator[RunMetrics]:
    found = fetch_metrics(client, name)
    while True:
        yield found
        if found.status.is_final:
            return
        time.sleep(REFRESH)
        found = patiently(lambda: fetch_metrics(client, name))


def _picture(found: RunMetrics) -> RenderableType:
    note = [Text(f"\nwarning: {found.note}")] if found.note else []
    return Group(metrics_table(found), *note)


def _run(found: RunMetrics) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    table.add_row(" Run", found.name)
    table.add_row(" Status", found.status.value)
    table.add_row(" Requests", _rates(found))
    table.add_row(" In flight", f"{_count(found.in_flight)}, held {_count(found.held)}")
    table.add_row(" Finished", _count(found.finished))
    table.add_row(" Replicas", f"{found.ready}/{found.desired} ready")
    cold = found.cold_start
    table.add_row(" Cold start", "-" if cold is None else f"{cold:.1f}s")
    cost = found.cost_per_hour
    table.add_row(" Cost", "-" if cost is None else f"{format_price(cost)} an hour")
    return table


def _rates(found: RunMetrics) -> str:
    one, five = found.requests_per_second_1m, found.requests_per_second_5m
    if one is None or five is None:
        return "-"
    return f"{one:,.2f} a second (last minute), {five:,.2f} (last 5 minutes)"


def _replicas(found: RunMetrics) -> FittingTable:
    table = FittingTable(
        " REPLICA",
        *("STATUS", "HEALTH", "IN FLIGHT", "FINISHED", "PRICE"),
        folding={},
        dispensable=("PRICE", "FINISHED", "HEALTH"),
    )
    for replica in found.replicas:
        table.add_row(f" {replica.num}", *_cells(replica))
    return table


def _cells(replica: ReplicaMetrics) -> tuple[str, ...]:
    return (
        f"{mark(replica)} {replica.status.value}",
        replica.health.value if replica.health else "-",
        _count(replica.in_flight),
        _count(replica.finished),
        format_price(replica.price),
    )


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
