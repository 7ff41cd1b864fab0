"""`server` and its parts: each becomes the process that it starts."""

import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from perdure.errors import CannotStart

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Context settings of a command whose options are the process's own."""
MARKS = ("temporalio", "fastapi", "pydantic_settings")
"""Packages that only `perdure[server]` brings."""


def server(
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on; `127.0.0.1`.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="The port to listen on; 3000.")
    ] = None,
    data_dir: Annotated[
        str | None,
        typer.Option(
            "--data-dir", metavar="PATH", help="Where everything is kept; `~/.perdure/server`."
        ),
    ] = None,
) -> None:
    """Run everything on this machine.

    Temporal, the worker, the API and the proxy, each a process of its own.

    Each option is the setting of its name, as in `PERDURE_PORT`.
    """
    given = {"PERDURE_HOST": host, "PERDURE_PORT": port, "PERDURE_DATA_DIR": data_dir}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    become("server")


def api() -> None:
    """Run the API alone."""
    become("api")


def worker() -> None:
    """Run a worker alone.

    It carries out what runs need.
    """
    become("worker")


def proxy(context: typer.Context) -> None:
    """Run a proxy alone.

    It takes the requests to services. Its options are its own: `perdure proxy --help`.
    """
    become("proxy", context.args)


def tunnels() -> None:
    """Run the tunnels to other machines alone."""
    become("hosts.tunnels")


def become(module: str, arguments: list[str] | None = None) -> None:
    """Be this module from now on. Raises `CannotStart` where the server's packages are missing."""
    require_server_packages()
    # `-P`: the folder that a user stands in may hold an `api` or a `store` of theirs.
    command = [sys.executable, "-P", "-m", module, *(arguments or ())]
    os.execv(sys.executable, command)  # noqa: S606 - a list, and no shell


def require_server_packages() -> None:
    """Raise `CannotStart` when this is the client alone."""
    if any(find_spec(package) is None for package in MARKS):
        raise CannotStart(
            "The server's packages are not installed: this is the client alone.",
            hint='Install them with `pip install "perdure[server]"`.',
        )
