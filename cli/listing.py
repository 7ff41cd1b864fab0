"""`ps`: the runs now, or kept up to date."""

import time
from datetime import UTC, datetime

from rich.live import Live

from cli.client import Client
from cli.connection import connect
from cli.failure import last_words
from cli.persistence import patiently
from cli.run_table import run_table, runs_json
from cli.terminal import answers, say, show
from spec.submission import RunView

REFRESH = 1.0
"""Seconds between two pictures of `ps -w`."""


def print_runs(project: str | None, *, show_all: bool, verbose: bool, as_json: bool) -> None:
    """Print the runs once."""
    with Client(connect(project)) as client:
        runs = fetch_runs(client, show_all=show_all)
        if as_json:
            answers().print(runs_json(runs), soft_wrap=True)
            return
        show(answers(), run_table(runs, datetime.now(UTC), verbose=verbose))
        words = "\n".join(last_words(client, runs)) if verbose else ""
    if words:
        answers().print(f"\n{words}", overflow="ignore", crop=False)
    if not runs:
        say(f"No runs in the project {client.connection.project}" + ("." if show_all else " now."))


def watch_runs(project: str | None, *, show_all: bool, verbose: bool) -> None:
    """Show the runs until Ctrl-C; without a terminal, print them whenever they have changed."""
    console = answers()
    with Client(connect(project)) as client:
        if not console.is_terminal:
            last = None
            while True:
                runs = patiently(lambda: fetch_runs(client, show_all=show_all))
                if runs != last:
                    show(console, run_table(runs, datetime.now(UTC), verbose=verbose))
                    last = runs
                time.sleep(REFRESH)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                runs = patiently(lambda: fetch_runs(client, show_all=show_all))
                live.update(run_table(runs, datetime.now(UTC), verbose=verbose), refresh=True)
                time.sleep(REFRESH)


def fetch_runs(client: Client, *, show_all: bool) -> list[RunView]:
    """The runs of the project, as the server lists them."""
    return client.get(list[RunView], client.in_project("runs"), all=str(show_all).lower())
