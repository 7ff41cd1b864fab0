"""`perdure`: the command line. What a command needs is imported when the command runs."""

import sys
from typing import Annotated

import typer

from cli.commands import (
    apply,
    audit,
    changes,
    decisions,
    files,
    keys,
    operators,
    plan,
    processes,
    projects,
    runs,
    secrets,
    users,
)
from cli.report import report
from perdure.errors import PerdureError

app = typer.Typer(
    name="perdure",
    help="Deploy models and web apps as secure, scalable services.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    *(apply.apply, plan.plan, runs.ps, runs.status, runs.metrics, decisions.why, decisions.events),
    *(runs.logs, changes.scale, changes.rollback, runs.stop, runs.delete, apply.offer),
    *(files.validate, files.schema),
)


def main() -> None:
    """Run the command line and exit."""
    try:
        app(prog_name="perdure")
    except PerdureError as error:
        sys.exit(report(error))


def _print_version(asked: bool) -> None:
    if asked:
        files.version()
        raise typer.Exit


@app.callback()
def perdure(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Options of the program itself; its help is the app's."""


def _assemble() -> None:
    for command in COMMANDS:
        app.command()(command)
    app.add_typer(secrets.app, name="secret")
    app.add_typer(keys.app, name="key")
    app.add_typer(projects.app, name="project")
    app.add_typer(users.app, name="user")
    app.command()(audit.audit)
    app.command()(processes.server)
    for process in (processes.api, processes.worker, processes.tunnels):
        app.command()(process)
    app.command(context_settings=processes.PASS_ON)(processes.proxy)
    app.command()(operators.doctor)
    app.command()(operators.support_bundle)
    app.command()(files.completion)
    app.command()(files.version)


_assemble()
