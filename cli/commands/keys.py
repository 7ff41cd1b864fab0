"""`key`: the server's master key, which protects everything that is sealed."""

from typing import Annotated

import typer

from cli.commands import options

app = options.group("Master keys of the server, for its admins.")

ANSWER_SECONDS = 600.0
"""All values are sealed again, or all living histories read, before the answer."""


@app.command("list")
def list_keys(as_json: options.Json = False) -> None:
    """List the keys by their ids, and what still needs each."""
    from cli.client import Client
    from cli.connection import connect
    from cli.terminal import list_values
    from spec.server import MasterKeyUse

    with Client(connect(None)) as client:
        keys = client.get(list[MasterKeyUse], "/server/keys")
    columns = (
        ("ID", "id"),
        ("SEALS", "current"),
        ("VALUES", "values"),
        ("LIVING WORKFLOWS", "workflows"),
    )
    list_values(keys, *columns, as_json=as_json)


@app.command("rotate")
def rotate_key(yes: options.Yes = False) -> None:
    """Make a new key, and seal all values again by it.

    Back up the data directory first. Nothing stops meanwhile. Older keys go on opening what they
    have sealed, until they are forgotten.
    """
    from cli.client import Client, patience
    from cli.connection import connect
    from cli.terminal import confirm, say
    from spec.server import KeyRotation

    connection = connect(None)
    if not yes and not confirm(f"Make a new master key for {connection.url}?"):
        raise typer.Exit(1)
    with Client(connection) as client:
        done = client.call(KeyRotation, "POST", "/server/keys", timeout=patience(ANSWER_SECONDS))
    say(f"The key {done.key} seals from now on; {done.values} values were sealed again by it.")
    if done.unreadable:
        say(f"{done.unreadable} values cannot be opened with any key of this server.")


@app.command("forget")
def forget_key(
    key: Annotated[str, typer.Argument(metavar="ID", help="As `key list` shows it.")],
    yes: options.Yes = False,
) -> None:
    """Drop an older key for good.

    Refused while a workflow that goes on needs it. What it has sealed elsewhere, in backups and in
    Temporal's histories of runs that have ended, cannot be opened after that.
    """
    from cli.client import Client, path, patience
    from cli.connection import connect
    from cli.terminal import confirm, say

    connection = connect(None)
    if not yes and not confirm(f"Forget the master key {key}?"):
        raise typer.Exit(1)
    with Client(connection) as client:
        client.send("DELETE", path("server", "keys", key), timeout=patience(ANSWER_SECONDS))
    say(f"The key {key} is forgotten.")
