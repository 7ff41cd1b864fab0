"""What a shell completes: names of runs, asked for while a person waits for a key."""

import httpx

from cli.client import Client
from cli.connection import connect
from perdure.errors import PerdureError
from spec.submission import RunView

PATIENCE = httpx.Timeout(1.0)
"""Seconds: after that the person types on without help."""


def run_names(project: str | None, incomplete: str) -> list[str]:
    """The living runs whose names begin so; none when the server does not tell."""
    try:
        with Client(connect(project)) as client:
            where = client.in_project("runs")
            runs = client.call(list[RunView], "GET", where, timeout=PATIENCE)
    except PerdureError:
        # A message would spoil the line that is being typed.
        return []
    return [run.name for run in runs if run.name.startswith(incomplete)]
