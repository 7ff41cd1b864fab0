"""Errors on stderr: what happened and why, its stable code, and what to do. Needs only Python."""

import os
import sys

from perdure.errors import InvalidConfiguration, PerdureError


def report(error: PerdureError) -> int:
    """Print the error and return the exit code that belongs to it."""
    sys.stderr.write(describe(error, colour=_wants_colour()))
    return error.exit_code


def describe(error: PerdureError, *, colour: bool = False) -> str:
    """The error as people read it: `error: …` with its code, and `hint: …` when it has one.

    All the errors of a configuration are told.
    """
    others = error.others if isinstance(error, InvalidConfiguration) else ()
    return "".join(_described(each, colour) for each in (error, *others))


def _described(error: PerdureError, colour: bool) -> str:
    red, cyan, off = ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m") if colour else ("", "", "")
    place = error.place if isinstance(error, InvalidConfiguration) else ""
    first, *rest = error.message.split("\n")
    told = f"{place}: {first}" if place else first
    lines = [f"{red}error:{off} {told} [{error.code()}]", *rest]
    if error.hint:
        lines.append(f"{cyan}hint:{off} {error.hint}")
    return "\n".join(lines) + "\n"


def _wants_colour() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ
