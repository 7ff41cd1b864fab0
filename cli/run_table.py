"""Runs as `ps` prints them: a table for people, JSON for programs."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from cli.terminal import columns
from cli.units import describe_age, describe_price
from spec.status import ReplicaPhase, RunPhase
from spec.submission import ReplicaView, RunView

READY, NOT_YET, FAILING = "✓", "~", "×"  # noqa: RUF001 - a mark, not a letter

_STYLES = {
    RunPhase.RUNNING: "green",
    RunPhase.DONE: "green",
    RunPhase.FAILED: "red",
    RunPhase.TERMINATED: "dim",
}
_RUN_FIELDS = ("name", "project", "status", "status_message", "submitted_at", "url", "model_url")
_REPLICA_FIELDS = {"num", "status", "deployment", "backend", "region", "price", "ready"}


def run_table(
    runs: Sequence[RunView], now: datetime, *, verbose: bool = False, with_project: bool = False
) -> Table:
    """A row for each run, and its replicas below it when there are several.

    `verbose`: each replica, even a single one, and its region.
    """
    project = ("PROJECT",) if with_project else ()
    table = columns(
        "NAME",
        *project,
        *("BACKEND", "RESOURCES", "PRICE", "STATUS", "SUBMITTED"),
        folding=("RESOURCES", "STATUS", "BACKEND"),
    )
    for run in runs:
        living = [replica for replica in run.replicas if not replica.status.is_final]
        below = verbose or len(living or run.replicas) > 1
        only = None if below else next(iter(living or run.replicas), None)
        table.add_row(
            run.name,
            *((run.project,) if with_project else ()),
            *(_place(only, verbose=verbose) if only else ("", "", _total_price(living))),
            _status(run),
            describe_age(run.submitted_at, now),
        )
        for replica in run.replicas if below else ():
            table.add_row(
                f"  replica={replica.num}",
                *(("",) if with_project else ()),
                *_place(replica, verbose=verbose),
                f"{mark(replica)} {replica.message or replica.status}",
                "",
            )
    return table


def runs_json(runs: Sequence[RunView]) -> str:
    """The runs as a JSON array, with the fields that `ps --json` promises and no others."""
    return json.dumps([_plain(run) for run in runs], indent=2)


def mark(replica: ReplicaView) -> str:
    """Whether it answers: ready, not yet, or failing."""
    if replica.ready:
        return READY
    return FAILING if replica.status is ReplicaPhase.FAILED else NOT_YET


def describe_status(run: RunView) -> str:
    """The run's state: the phase, or why it failed, as the last failed replica tells it in full."""
    said = run.status_message or run.status.value
    if run.status is not RunPhase.FAILED:
        return said
    told = (r.message for r in reversed(run.replicas) if r.status is ReplicaPhase.FAILED)
    return next((text for text in told if text.startswith(said)), said)


def _status(run: RunView) -> Text:
    return Text(describe_status(run), style=_STYLES.get(run.status, ""))


def _place(replica: ReplicaView, *, verbose: bool) -> tuple[str, str, str]:
    region = f" ({replica.region})" if verbose and replica.region != replica.backend else ""
    backend = f"{replica.backend}{region}" if replica.backend else "-"
    return backend, replica.resources or "-", describe_price(replica.price)


def _total_price(replicas: Sequence[ReplicaView]) -> str:
    prices = [replica.price for replica in replicas if replica.price is not None]
    return describe_price(sum(prices)) if prices else ""


def _plain(run: RunView) -> dict[str, Any]:
    full = run.model_dump(mode="json", include={*_RUN_FIELDS})
    replicas = [
        replica.model_dump(mode="json", include=_REPLICA_FIELDS) for replica in run.replicas
    ]
    return {**{field: full[field] for field in _RUN_FIELDS}, "replicas": replicas}
