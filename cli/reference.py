"""The reference of the command line, made from its help: `python -m cli.reference`."""

import os
import sys
from collections.abc import Iterator

import typer

from cli.main import app

WIDTH = 88
"""Columns of the help in the reference."""


def reference() -> str:
    """The help of every command, as a page of the documentation."""
    # Help is as wide as the terminal, of which a page has none.
    os.environ |= {"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH)}
    whole = typer.main.get_command(app)
    parts = [
        "# Command line",
        "Made from `--help` by `python -m cli.reference`; a test holds it to that.",
        *_sections(typer.Context(whole, info_name="perdure", **whole.context_settings)),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(context: typer.Context) -> Iterator[str]:
    yield f"## `{context.command_path}`\n\n```text\n{context.get_help()}\n```"
    for name, command in getattr(context.command, "commands", {}).items():
        settings = command.context_settings
        yield from _sections(typer.Context(command, info_name=name, parent=context, **settings))


if __name__ == "__main__":
    sys.stdout.write(reference())
