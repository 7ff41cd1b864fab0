"""`validate` and `schema`: configurations without a server."""

import os
from typing import Annotated

import typer

SHELLS = ("bash", "zsh", "fish")


def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Configurations, `-` for stdin.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object for each file, on a line.")
    ] = False,
) -> None:
    """Check configurations without a server.

    Says where and why one is wrong, and how it should look.
    """
    from cli.validate import validate as check

    raise typer.Exit(check(files, as_json))


def schema() -> None:
    """Print the JSON schema for editors."""
    from cli.schema import schema as print_schema

    raise typer.Exit(print_schema())


def completion(
    context: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="`bash`, `zsh` or `fish`.")],
) -> None:
    """Print the script that completes `perdure` in a shell.

    For instance in `~/.bashrc`: eval "$(perdure completion bash)"
    """
    if shell not in SHELLS:
        raise typer.BadParameter(f"is one of {', '.join(SHELLS)}.", param_hint="SHELL")
    # The shell's own protocol: the same program answers with its script.
    os.environ["_PERDURE_COMPLETE"] = f"source_{shell}"
    context.find_root().command.main(prog_name="perdure")


def version() -> None:
    """Print the version."""
    from perdure import __version__

    typer.echo(f"perdure {__version__}")
