"""Runs as `ps` prints them: a table for people, JSON for programs."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.fitting_table import FittingTable
from cli.units import describe_age
from spec.cost import cost_per_hour
from spec.run_metrics import ReplicaMetrics
from spec.scale import Override
from spec.status import Health, ReplicaPhase, RunPhase
from spec.submission import ReplicaView, RunView
from spec.units import format_price

READY, NOT_YET, FAILING, ENDED = "✓", "~", "×", "-"  # noqa: RUF001 - a mark, not a letter
REASON_LENGTH = 120
"""Characters of a reason that the table shows; `-v` shows all."""

_STYLES = {
    RunPhase.RUNNING: "green",
    RunPhase.DONE: "green",
    RunPhase.FAILED: "red",
    RunPhase.TERMINATED: "dim",
}
_LEAVING = frozenset({ReplicaPhase.DRAINING, ReplicaPhase.TERMINATING})
_RUN_FIELDS = ("name", "project", "status", "status_message", "submitted_at", "url", "model_url")
_REPLICA_FIELDS = {"num", "status", "deployment", "backend", "region", "price", "ready"}


def run_table(runs: Sequence[RunView], now: datetime, *, verbose: bool = False) -> RenderableType:
    """A row for each run, and its replicas below it when there are several.

    `verbose`: each replica, even a single one, its region, and below the addresses of the runs
    that live.
    """
    table = FittingTable(
        "NAME",
        *("BACKEND", "RESOURCES", "PRICE", "STATUS", "SUBMITTED"),
        folding={"RESOURCES": 12, "STATUS": 18, "BACKEND": 12},
        dispensable=("SUBMITTED", "RESOURCES", "PRICE", "BACKEND"),
    )
    for run in runs:
        living = [replica for replica in run.replicas if not replica.status.is_final]
        below = verbose or len(living or run.replicas) > 1
        only = None if below else next(iter(living or run.replicas), None)
        table.add_row(
            run.name,
            *(_place(only, verbose=verbose) if only else ("", "", _total_price(living))),
            _status(run, now, below=below),
            describe_age(run.submitted_at, now),
        )
        for replica in run.replicas if below else ():
            text = _one_line(replica.message or replica.status, verbose=verbose)
            place = _place(replica, verbose=verbose)
            table.add_row(f"  replica={replica.num}", *place, f"{mark(replica)} {text}", "")
    living_runs = [run for run in runs if not run.status.is_final]
    return Group(table, "", _addresses(living_runs)) if verbose and living_runs else table


def runs_json(runs: Sequence[RunView]) -> str:
    """The runs as a JSON array, with the fields that `ps --json` promises and no others."""
    return json.dumps([_plain(run) for run in runs], indent=2)


def run_json(run: RunView) -> str:
    """One run, as an object of the same fields."""
    return json.dumps(_plain(run), indent=2)


def mark(replica: ReplicaView | ReplicaMetrics) -> str:
    """Whether it answers: ready, not yet, failing, or not any more."""
    if replica.ready:
        return READY
    if replica.status is ReplicaPhase.FAILED:
        return FAILING
    if replica.status.is_final or replica.status in _LEAVING:
        return ENDED
    return FAILING if replica.health is Health.UNHEALTHY else NOT_YET


def describe_status(run: RunView) -> str:
    """The run's state: the phase, or why it failed, as the replica tells it by which it did."""
    failed = run.failed_by
    return (failed.message if failed else "") or run.status_message or run.status.value


def _status(run: RunView, now: datetime, *, below: bool) -> Text:
    """In full, unless its replicas are `below` it and tell."""
    said = run.status_message or run.status.value
    text = said if below else _one_line(describe_status(run), verbose=False)
    notes = "; ".join(() if run.status.is_final else _notes(run, now))
    return Text(f"{text} ({notes})" if notes else text, style=_STYLES.get(run.status, ""))


def _notes(run: RunView, now: datetime) -> Iterator[str]:
    """What somebody has to know besides: a number that counts for the load's, an update undone."""
    if run.override is not None:
        yield describe_override(run.override, now)
    if run.reverted is not None:
        yield f"revision {run.reverted.revision} undone"


def describe_override(override: Override, now: datetime) -> str:
    """`set to 3 until 14:05`, by the local clock; with its date when that is another day's."""
    if override.until is None:
        return f"set to {override.replicas}"
    until = override.until.astimezone()
    today = until.date() == now.astimezone().date()
    return f"set to {override.replicas} until {until:{'%H:%M' if today else '%Y-%m-%d %H:%M'}}"


def _one_line(text: str, *, verbose: bool) -> str:
    if verbose:
        return " ".join(text.split())
    return textwrap.shorten(text, REASON_LENGTH, placeholder=" …")


def _addresses(runs: Sequence[RunView]) -> Text:
    """A line for each address: it is not broken, so that it can be copied."""
    width = max(len(run.name) for run in runs)
    lines = []
    for run in runs:
        lines.append(f"{run.name:{width}}  {run.url}")
        if run.model_url:
            lines.append(f"{run.name:{width}}  {run.model_url}  {run.model or ''}".rstrip())
    return Text("\n".join(lines), no_wrap=True, overflow="ignore")


def _place(replica: ReplicaView, *, verbose: bool) -> tuple[str, str, str]:
    region = f" ({replica.region})" if verbose and replica.region != replica.backend else ""
    backend = f"{replica.backend}{region}" if replica.backend else "-"
    return backend, replica.resources or "-", format_price(replica.price)


def _total_price(replicas: Sequence[ReplicaView]) -> str:
    """Empty where none has a machine yet."""
    has_any = any(replica.backend is not None for replica in replicas)
    return format_price(cost_per_hour(replicas)) if has_any else ""


def _plain(run: RunView) -> dict[str, Any]:
    full = run.model_dump(mode="json", include={*_RUN_FIELDS})
    replicas = [
        replica.model_dump(mode="json", include=_REPLICA_FIELDS) for replica in run.replicas
    ]
    return {**{field: full[field] for field in _RUN_FIELDS}, "replicas": replicas}
