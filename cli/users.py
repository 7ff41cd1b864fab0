"""Users and their tokens, through the API."""

from datetime import UTC, datetime, timedelta

from cli.client import Client, path
from cli.connection import connect
from cli.terminal import answers, say
from perdure.errors import InvalidInput
from spec.people import GlobalRole, Identity, NewToken, Token, User
from spec.units import parse_duration


def users() -> list[User]:
    """All users."""
    with Client(connect(None)) as client:
        return client.get(list[User], path("users"))


def create(name: str, *, admin: bool) -> None:
    """Create a user."""
    role = GlobalRole.ADMIN if admin else GlobalRole.USER
    with Client(connect(None)) as client:
        user = client.call(User, "POST", path("users"), json={"name": name, "role": role})
    say(f"The user {user.name} is created. `perdure user token create --user {user.name}`")


def set_role(name: str, role: str) -> None:
    """Give a user another role."""
    with Client(connect(None)) as client:
        client.send("PUT", path("users", name), json={"role": role})


def delete(name: str) -> None:
    """Delete a user."""
    with Client(connect(None)) as client:
        client.send("DELETE", path("users", name))


def tokens(user: str | None) -> list[Token]:
    """The tokens of a user, the caller's own for None."""
    with Client(connect(None)) as client:
        return client.get(list[Token], path("users", _owner(client, user), "tokens"))


def create_token(
    name: str, user: str | None, expires: str | None, scopes: list[str], *, as_json: bool
) -> None:
    """Create a token and print its value."""
    asked: dict[str, object] = {"name": name, "expires_at": _moment(expires)}
    if scopes:
        asked["scopes"] = scopes
    with Client(connect(None)) as client:
        where = path("users", _owner(client, user), "tokens")
        made = client.call(NewToken, "POST", where, json=asked)
    text = made.model_dump_json(indent=2) if as_json else made.value
    answers().print(text, soft_wrap=True)


def revoke(token: str, user: str | None) -> None:
    """Revoke a token of a user."""
    with Client(connect(None)) as client:
        client.send("DELETE", path("users", _owner(client, user), "tokens", token))


def _owner(client: Client, user: str | None) -> str:
    return user or client.get(Identity, path("me")).user


def _moment(expires: str | None) -> str | None:
    if expires is None:
        return None
    try:
        length = timedelta(seconds=parse_duration(expires))
    except ValueError as error:
        raise InvalidInput(
            f"`--expires`: `{expires}` is no duration of up to ten years.",
            hint="Write it as in `12h` or `30d`.",
        ) from error
    return (datetime.now(UTC) + length).isoformat()
