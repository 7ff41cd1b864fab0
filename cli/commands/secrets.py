"""`secret`: values that configurations refer to, and that are never shown."""

from typing import Annotated

import typer

from cli.commands import options

app = options.group("Secrets of the project.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The secret's name.")]


@app.command("set")
def set_secret(name: Name, project: options.Project = None) -> None:
    """Set a secret. Its value is asked for, or read from stdin: it is never an argument.

    Of stdin, one line end at the end is left out; all else is the value. Replicas that run keep the
    value they have; those that start after this get the new one.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.terminal import interruptible, is_interactive, read_secret, say

    connection = connect(project)
    with interruptible("\nNothing was set."):
        value = read_secret(f"Value of {name}")
    with Client(connection) as client:
        client.send("PUT", client.in_project("secrets", name), json={"value": value})
    # Who typed could not see it: the length tells a paste that went wrong.
    length = f": {len(value)} characters" if is_interactive() else ""
    say(f"The secret {name} is set in the project {connection.project}{length}.")


@app.command("list")
def list_secrets(project: options.Project = None, as_json: options.Json = False) -> None:
    """List the names of the secrets."""
    from cli.client import Client
    from cli.connection import connect
    from cli.terminal import list_values
    from spec.people import Secret

    with Client(connect(project)) as client:
        secrets = client.get(list[Secret], client.in_project("secrets"))
    list_values(secrets, ("NAME", "name"), ("UPDATED", "updated_at"), as_json=as_json)


@app.command("delete")
def delete_secret(name: Name, yes: options.Yes = False, project: options.Project = None) -> None:
    """Delete a secret.

    Replicas that run keep its value. One that starts after this, of a run that refers to the
    secret, fails until there is a secret of that name again.
    """
    from cli.client import Client
    from cli.connection import connect
    from cli.terminal import confirm, say

    connection = connect(project)
    if not yes and not confirm(
        f"Delete the secret {name}? New replicas that refer to it will fail."
    ):
        raise typer.Exit(1)
    with Client(connection) as client:
        client.send("DELETE", client.in_project("secrets", name))
    say(f"The secret {name} is gone.")
