"""`project`: projects on the server, their members, and the ones that this client knows."""

from typing import Annotated

import typer

from cli.commands import options

app = options.group("Projects and their members.")
member = options.group("Members of the project.")
app.add_typer(member, name="member")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The project's name.")]
User = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]


@app.command("add")
def add_project(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The project's name; `main` without it.")
    ] = None,
    named: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The same, as in dstack.")
    ] = None,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="The server's address.")
    ] = "http://localhost:3000",
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TOKEN",
            help="Your token; better asked for, or read from stdin: other users of the machine see "
            "what is on a command line.",
        ),
    ] = None,
    default: Annotated[
        bool, typer.Option("--default/--no-default", help="Make it the default project.")
    ] = True,
) -> None:
    """Let this client know a project of a server.

    It is kept in `~/.perdure/config.yml`. Address and token are tried at once. Other projects that
    it knows stay.
    """
    from cli.connection import DEFAULT_PROJECT
    from cli.projects import add, recognise
    from cli.terminal import read_secret, say

    if name and named and name != named:
        raise typer.BadParameter("NAME and `--name` are two projects.")
    project = name or named or DEFAULT_PROJECT
    if token:
        say("warning: Other users of this machine can see `--token`; pipe the token in instead.")
    recognise(project, url)
    add(project, url, (token or read_secret("Token")).strip(), default=default)
    say(f"The project {project} at {url} is added.")


@app.command("list")
def list_projects(as_json: options.Json = False) -> None:
    """List the projects of this client.

    Those that it knows, and those that its token opens.
    """
    from cli.projects import known_here
    from cli.terminal import list_values

    columns = (("NAME", "name"), ("URL", "url"), ("ROLE", "role"), ("DEFAULT", "default"))
    list_values(known_here(), *columns, as_json=as_json)


@app.command("create")
def create_project(name: Name) -> None:
    """Create a project on the server, and let this client know it."""
    from cli.projects import create
    from cli.terminal import say

    create(name)
    say(f"The project {name} is created.")


@app.command("set-default")
def set_default(name: Name) -> None:
    """Make a project the one that commands use by themselves."""
    from cli.terminal import say
    from perdure.client_config import client_file, load, save

    file = client_file()
    save(load(file).with_default(name), file)
    say(f"The project {name} is the default one.")


@app.command("delete")
def delete_project(name: Name, yes: options.Yes = False) -> None:
    """Delete a project from the server, and from this client. Its runs must have ended."""
    from cli.projects import delete
    from cli.terminal import confirm, say

    if not yes and not confirm(f"Delete the project {name}, with its secrets?"):
        raise typer.Exit(1)
    delete(name)
    say(f"The project {name} is gone.")


@member.command("list")
def list_members(project: options.Project = None, as_json: options.Json = False) -> None:
    """List the members and their roles."""
    from cli.client import Client
    from cli.connection import connect
    from cli.terminal import list_values
    from spec.people import Project

    with Client(connect(project)) as client:
        members = client.get(Project, client.in_project()).members
    list_values(members, ("USER", "user"), ("ROLE", "role"), as_json=as_json)


@member.command("set")
def set_member(
    user: User,
    role: Annotated[
        str, typer.Option("--role", help="`user` runs services, `manager` or `admin`.")
    ] = "user",
    project: options.Project = None,
) -> None:
    """Add a member, or change a member's role."""
    from cli.client import Client
    from cli.connection import connect
    from cli.terminal import say

    with Client(connect(project)) as client:
        client.send("PUT", client.in_project("members", user), json={"role": role})
    say(f"{user} is {role} of the project {client.connection.project}.")


@member.command("remove")
def remove_member(user: User, project: options.Project = None) -> None:
    """Remove a member."""
    from cli.client import Client
    from cli.connection import connect
    from cli.terminal import say

    with Client(connect(project)) as client:
        client.send("DELETE", client.in_project("members", user))
    say(f"{user} is no member of the project {client.connection.project} any more.")
