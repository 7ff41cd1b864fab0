"""Errors on stderr: what happened and why, its stable code, and what to do. Needs only Python."""

import os
import sys

from perdure.errors import InvalidConfiguration, PerdureError


def report(error: PerdureError) -> int:
    """Print the error and return the exit code that belongs to it."""
    sys.stderr.write(describe(error, colour=_wants_colour()))
    return error.exit_code


def describe(error: PerdureError, *, colour: bool = False) -> str:
    """The error as people read it: `error: …` with its code, and `hint: …` when it has one."""
    red, cyan, off = ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m") if colour else ("", "", "")
    first, *rest = error.message.split("\n")
    lines = [f"{red}error:{off} {_place(error)}{first} [{error.code()}]", *rest]
    if error.hint:
        lines.append(f"{cyan}hint:{off} {error.hint}")
    return "\n".join(lines) + "\n"


def _place(error: PerdureError) -> str:
    if not isinstance(error, InvalidConfiguration) or not error.file:
        return ""
    if not error.line:
        return f"{error.file}: "
    return f"{error.file}:{error.line}:{error.column}: "


def _wants_colour() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ
