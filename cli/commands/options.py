"""Options that several commands have."""

from typing import Annotated

import typer

Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="NAME",
        help="The project; without it `PERDURE_PROJECT`, else the default one.",
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="As of then: `03:12`, `2026-11-29 03:12`, or `1h` ago. Local, unless it has a zone.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask for confirmation.")]
File = Annotated[
    str | None,
    typer.Option(
        "-f",
        "--file",
        metavar="FILE",
        help="The configuration, `-` for stdin; `.dstack.yml` here without it.",
    ),
]


def group(text: str) -> typer.Typer:
    """A command with commands of its own."""
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)
