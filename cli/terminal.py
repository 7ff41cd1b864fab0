"""What is said and where: answers on stdout, messages on stderr, a question only to a person.

Names, reasons and the like come from files and servers: a terminal shows them and obeys none.
"""

import json
import select
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from getpass import getpass
from typing import Any, TextIO

from pydantic import BaseModel
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from cli.visible import visible
from perdure.errors import InvalidInput

UNBOUNDED = 100_000
"""Columns of a pipe: nothing is wrapped for a program that reads."""
GAP = 2
"""Blanks between two columns."""
LOOK_SECONDS = 0.2
"""Between two looks at whether somebody pressed Ctrl-C, while a question waits."""
ROOMY = 30
"""Columns from which a table can be drawn at all; terminals that tell less are wrong."""


class HarmlessConsole(Console):
    """A console that sends no control characters but its own."""

    def render_str(self, text: str, **options: Any) -> Text:
        """A text as it will be shown, so that tables make room for it."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What is to be shown, with the control characters in it made visible."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(visible(text), style)


def answers() -> Console:
    """The console of answers, on stdout."""
    return _console(sys.stdout)


def messages() -> Console:
    """The console of messages and progress, on stderr."""
    return _console(sys.stderr)


def say(text: str) -> None:
    """Tell the person something, on stderr."""
    # Lines break between words, and not within a path or an address that is longer than a line.
    messages().print(text, overflow="ignore", crop=False)


def show(console: Console, table: RenderableType) -> None:
    """Print tables; without a terminal plainly, without blanks at the ends of their lines."""
    if console.is_terminal:
        console.print(table, crop=False)
        return
    with console.capture() as captured:
        console.print(table)
    lines = (line.rstrip() for line in captured.get().splitlines())
    console.file.write("".join(f"{line}\n" for line in lines))


def columns(*names: str, folding: tuple[str, ...] = ()) -> Table:
    """A table with these headings; only the `folding` columns break where a line is short."""
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=name not in folding, overflow="fold")
    return table


def is_interactive() -> bool:
    """Whether a person can be asked: stdin and stderr are terminals."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def require_person(question: str) -> None:
    """Raise `InvalidInput` when nobody is there to answer the question."""
    if not is_interactive():
        raise InvalidInput(
            f"“{question}” cannot be asked: this is not a terminal.",
            hint="Answer in advance with `-y`.",
        )


def confirm(question: str) -> bool:
    """Ask until the answer is yes or no; Ctrl-D is no.

    Raises `InvalidInput` when nobody is there to ask.
    """
    require_person(question)
    while True:
        answer = _answer(question)
        if answer in ("y", "yes"):
            return True
        if answer in ("n", "no", None):
            return False


def _answer(question: str) -> str | None:
    """What was typed; None for the end of input. The cursor is at the beginning of a line after."""
    line = ""
    try:  # from before the question: Ctrl-C may come as soon as it is seen
        sys.stderr.write(f"{visible(question)} [y/n]: ")
        sys.stderr.flush()
        _until_typed()
        line = sys.stdin.readline()
        return line.strip().lower() if line else None
    finally:
        if not line:
            sys.stderr.write("\n")


def _until_typed() -> None:
    """Return when there is a line to read.

    A Ctrl-C that comes just before a read that blocks is noticed only when that ends.
    """
    while not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        pass


@contextmanager
def interruptible(said: str) -> Iterator[None]:
    """Say what Ctrl-C means here, then end by it."""
    try:
        yield
    except KeyboardInterrupt:
        say(said)
        raise


def read_secret(prompt: str) -> str:
    """A value that is asked for without an echo, or all of stdin but one line end at its end.

    Raises `InvalidInput` when it is empty, or no text.
    """
    value = _typed(prompt) if sys.stdin.isatty() else _piped()
    if not value:
        raise InvalidInput("The value is empty.", hint="Type it, or pipe it in.")
    if "\0" in value:
        raise InvalidInput(
            "The value holds a NUL character, which no variable can.",
            hint="Encode what is no text, in base64 for instance.",
        )
    return value


def _typed(prompt: str) -> str:
    try:
        return getpass(f"{prompt}: ")
    except EOFError:
        sys.stderr.write("\n")
        return ""


def _piped() -> str:
    try:
        value = sys.stdin.read()
        value.encode()
    except UnicodeError:
        # Without its cause, which holds the value.
        raise InvalidInput(
            "The value is not text in UTF-8.",
            hint="Encode what is no text, in base64 for instance.",
        ) from None
    return value.removesuffix("\n").removesuffix("\r")


def list_values(
    values: Sequence[BaseModel], *fields: tuple[str, str], as_json: bool = False
) -> None:
    """Print values, as JSON or in a table of `(heading, field)`."""
    if as_json:
        text = json.dumps([value.model_dump(mode="json") for value in values], indent=2)
        answers().print(text, soft_wrap=True)
        return
    table = columns(*(heading for heading, _ in fields))
    for value in values:
        table.add_row(*(_cell(getattr(value, field)) for _, field in fields))
    show(answers(), table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "*" if value else ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "-" if value in (None, "") else str(value)


def dim(text: str) -> Text:
    """Text in the background."""
    return Text(text, style="dim")


def _console(file: TextIO) -> Console:
    width = None if file.isatty() else UNBOUNDED
    console = HarmlessConsole(file=file, width=width, highlight=False, markup=False, emoji=False)
    if console.is_terminal and console.width < ROOMY:
        console.width = ROOMY
    return console
