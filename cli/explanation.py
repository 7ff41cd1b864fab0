"""`why`: what a run decided, out of what, and what it did not do instead."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.client import Client
from cli.decisions import decisions
from cli.past import past, shown
from cli.terminal import GAP, answers, dim, list_values, say, show
from spec.submission import DecisionView

INDENT = 4
"""Blanks before a fact: it belongs to the decision above it."""


def print_reasons(client: Client, run: str, *, at: str | None, limit: int, as_json: bool) -> None:
    """Print the newest decisions of the run, or those up to a time, the one in force first.

    Raises `NotFound`, and `InvalidInput` for what is no time.
    """
    now = datetime.now(UTC)
    upto = None if at is None else past(at, now).end
    found = decisions(client, run, limit=limit, at=upto)
    if as_json:
        list_values(found, as_json=True)
    elif found:
        show(answers(), explanation(found, now))
    elif upto is None:
        say(f"Nothing is known of why the run {run} is as it is: no decision is kept.")
    else:
        say(f"No decision of the run {run} is known up to {shown(upto, now)}.")


def explanation(found: Sequence[DecisionView], now: datetime) -> RenderableType:
    """The decisions in this order: the time, the outcome, below it the facts and other options."""
    return Group(*_lines(found, now))


def one_line(text: str) -> str:
    """A sentence on one line."""
    return " ".join(text.split())


def _lines(found: Sequence[DecisionView], now: datetime) -> Iterator[RenderableType]:
    life = found[0].incarnation
    for decision in found:
        if decision.incarnation != life:
            yield Text("\nIn the life before:\n", style="dim")
        life = decision.incarnation
        yield _beside(shown(decision.at, now), one_line(decision.outcome))
        for name, value in decision.inputs.items():
            yield _below(dim(f"{in_words(name)}: {one_line(value)}"))
        for other in decision.rejected:
            why = one_line(other.why).removesuffix(".")
            yield _below(Text(f"not: {one_line(other.option)}, because {why}"))


def in_words(name: str) -> str:
    """A fact's name, as people say it: `requests_per_second` is `requests per second`."""
    return one_line(name.replace("_", " "))


def _beside(moment: str, outcome: str) -> Table:
    """The time, and what was decided: however many lines that takes, nothing is below the time."""
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(moment, outcome)
    return table


def _below(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, INDENT), expand=False)
