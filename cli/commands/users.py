"""`user`: people and programs with tokens."""

from typing import Annotated

import typer

from cli.commands import options

app = options.group("Users of the server, and their tokens.")
token = options.group("Tokens of a user.")
app.add_typer(token, name="token")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Owner = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="Whose tokens; yours without it.")
]


@app.command("create")
def create_user(
    name: Name,
    admin: Annotated[
        bool, typer.Option("--admin", help="May do everything on the whole server.")
    ] = False,
) -> None:
    """Create a user. Give them a token with `perdure user token create --user NAME`."""
    from cli.users import create

    create(name, admin=admin)


@app.command("list")
def list_users(as_json: options.Json = False) -> None:
    """List the users."""
    from cli.terminal import list_values
    from cli.users import users

    columns = (("NAME", "name"), ("ROLE", "role"), ("CREATED", "created_at"))
    list_values(users(), *columns, as_json=as_json)


@app.command("set-role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="`admin` of the server, or `user`.")],
) -> None:
    """Give a user another role on the server."""
    from cli.terminal import say
    from cli.users import set_role as give

    give(name, role)
    say(f"{name} is {role} of the server.")


@app.command("delete")
def delete_user(name: Name, yes: options.Yes = False) -> None:
    """Delete a user. Their tokens open nothing any more; their runs go on."""
    from cli.terminal import confirm, say
    from cli.users import delete

    if not yes and not confirm(f"Delete the user {name}, with their tokens?"):
        raise typer.Exit(1)
    delete(name)
    say(f"The user {name} is gone.")


@token.command("create")
def create_token(
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "cli",
    user: Owner = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="It ends after so long: `30d`.")
    ] = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="`api` for everything, the default; `services:PROJECT` or `services:PROJECT/RUN` "
            "to call these only; repeatable.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Create a token. It goes to stdout, and is never shown again."""
    from cli.users import create_token as create

    create(name, user, expires, scopes or [], as_json=as_json)


@token.command("list")
def list_tokens(user: Owner = None, as_json: options.Json = False) -> None:
    """List the tokens, without their values."""
    from cli.terminal import list_values
    from cli.users import tokens

    columns = (
        ("ID", "id"),
        ("NAME", "name"),
        ("CREATED", "created_at"),
        ("EXPIRES", "expires_at"),
        ("SCOPES", "scopes"),
    )
    list_values(tokens(user), *columns, as_json=as_json)


@token.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    user: Owner = None,
) -> None:
    """Revoke a token. It opens nothing any more, within a second."""
    from cli.terminal import say
    from cli.users import revoke

    revoke(token_id, user)
    say(f"The token {token_id} is revoked.")
