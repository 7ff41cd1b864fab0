"""Runs on their way: one live picture on a terminal, a line for each change elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from cli.client import Client
from cli.persistence import PATIENCE
from cli.run_table import describe_status, mark
from cli.stream import follow
from cli.terminal import messages
from spec.submission import RunView

Show = Callable[[RunView], None]
Summary = Callable[[RunView], Iterable[str]]


def shown(run: RunView) -> Iterable[str]:
    """The run's state in a line; below it the replicas where there are several."""
    yield f"{run.name}  {describe_status(run)}"
    if len(run.replicas) > 1:
        for replica in run.replicas:
            text = replica.message or replica.status.value
            yield f"  replica={replica.num}  {mark(replica)} {text}"


def watch(
    client: Client, name: str, until: Callable[[RunView], bool], summary: Summary = shown
) -> RunView:
    """Show how the run gets on until `until` is true of it, or it has ended; return that state.

    `summary` are the lines that are shown of it. Raises `NotFound`, and `ServerUnreachable` when
    the server stays away.
    """
    last: RunView | None = None
    with picture(summary) as show:
        for run in states(client, name):
            last = run
            show(run)
            if until(run) or run.status.is_final:
                return run
    raise AssertionError(f"the states of a run do not end by themselves: {last}")


def states(client: Client, name: str, patience: float = PATIENCE) -> Iterator[RunView]:
    """The run now and at each change, without end."""
    where = client.in_project("runs", name, "events")
    for event in follow(client, where, say=_say, patience=patience):
        if event.event == "status":
            yield RunView.model_validate_json(event.data)


@contextmanager
def picture(summary: Summary) -> Iterator[Show]:
    """Where the states of a run are shown."""
    console = messages()
    if not console.is_terminal:
        yield _lines(summary)
        return
    with Live(console=console, transient=True, refresh_per_second=10) as live:
        yield lambda run: live.update(_drawn(summary(run)))


def _lines(summary: Summary) -> Show:
    said = ""

    def show(run: RunView) -> None:
        nonlocal said
        text = "\n".join(summary(run))
        if text != said:
            messages().print(text)
            said = text

    return show


def _drawn(lines: Iterable[str]) -> Group:
    first, *replicas = lines
    return Group(Spinner("dots", Text(first)), *(Text(f"  {line}") for line in replicas))


def _say(text: str) -> None:
    messages().print(text)
