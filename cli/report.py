"""Errors on stderr: what happened and why, its stable code, and what to do. Needs only Python."""

import os
import shutil
import sys
import textwrap

from cli.visible import visible
from perdure.errors import InvalidConfiguration, PerdureError

_COLOURS = {"error:": 31, "hint:": 36}
"""Red and cyan, as terminals number them."""


def report(error: PerdureError) -> int:
    """Print the error and return the exit code that belongs to it."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    sys.stderr.write(describe(error, colour=_wants_colour(), width=width))
    return error.exit_code


def describe(error: PerdureError, *, colour: bool = False, width: int | None = None) -> str:
    """The error as people read it: `error: …` with its code, and `hint: …` when it has one.

    All the errors of a configuration are told. `width`: the columns at which lines are broken.
    """
    others = error.others if isinstance(error, InvalidConfiguration) else ()
    return "".join(_described(each, colour, width) for each in (error, *others))


def _described(error: PerdureError, colour: bool, width: int | None) -> str:
    place = error.place if isinstance(error, InvalidConfiguration) else ""
    first, *rest = error.message.split("\n")
    told = f"{place}: {first}" if place else first
    lines = [f"error: {told} [{error.code()}]", *rest]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    lines = [part for line in lines for part in _broken(visible(line), width)]
    if colour:
        lines = [_coloured(line) for line in lines]
    return "".join(f"{line}\n" for line in lines)


def _broken(line: str, width: int | None) -> list[str]:
    """Between words, and not within a path or an address that is longer than a line."""
    if width is None or not line:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _coloured(line: str) -> str:
    for word, code in _COLOURS.items():
        if line.startswith(word):
            return f"\x1b[1;{code}m{word}\x1b[0m{line.removeprefix(word)}"
    return line


def _wants_colour() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ
