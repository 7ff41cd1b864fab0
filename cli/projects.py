"""Projects as the client knows them: in its file, and through what its token opens."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from cli.client import Client, path
from cli.connection import Connection, connect, require_token
from cli.terminal import say
from perdure.client_config import KnownProject, client_file, load, save
from perdure.errors import NotFound, ServerUnreachable, Unauthenticated, Unavailable
from perdure.loopback import LOOPBACK_NAMES
from spec.people import Identity, Project
from spec.public import Model


class ListedProject(Model):
    """A project as `project list` shows it; `role` None when the server did not answer."""

    name: str
    url: str
    role: str | None = None
    default: bool = False


def recognise(name: str, url: str) -> None:
    """See that a perdure server answers there, before anybody types a token for it.

    Warns of an address to which a token would go unencrypted. Raises `ServerUnreachable`.
    """
    url = url.rstrip("/")
    with Client(Connection(name, url, "")) as client:
        client.recognise()
    if _is_readable(url):
        say(f"warning: {url} is plain HTTP: who is on the way can read your token.")


def _is_readable(url: str) -> bool:
    """Whether others can read what goes there."""
    address = urlsplit(url)
    host = address.hostname or ""
    try:
        loopback = host in LOOPBACK_NAMES or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return address.scheme == "http" and not loopback


def add(name: str, url: str, token: str, *, default: bool) -> None:
    """Check that the token opens the project, and write both down.

    Raises `Unauthenticated` for a wrong token, `Forbidden` for one that may only call services,
    `NotFound` where its user is not a member.
    """
    url = url.rstrip("/")
    require_token(token)
    with Client(Connection(name, url, token)) as client:
        identity = client.get(Identity, path("me"))
    if name not in identity.projects:
        raise NotFound(
            f"The token of `{identity.user}` opens no project `{name}` at {url}.",
            hint=f"It opens {', '.join(f'`{each}`' for each in identity.projects) or 'none'}.",
        )
    _remember(KnownProject(name=name, url=url, token=token, default=default))


def create(name: str) -> None:
    """Create the project, and write it down beside the one that is in use."""
    connection = connect(None)
    with Client(connection) as client:
        client.send("POST", path("projects"), json={"name": name})
    _remember(KnownProject(name=name, url=connection.url, token=connection.token))


def delete(name: str) -> None:
    """Delete the project from the server and from the file."""
    with Client(connect(name)) as client:
        client.send("DELETE", path("projects", name))
    file = client_file()
    known = load(file)
    if known.find(name) is not None:
        save(known.without(name), file)


def known_here() -> list[ListedProject]:
    """What the file has, and what the server that is in use shows besides."""
    known = load(client_file())
    default = known.default
    listed = {
        entry.name: ListedProject(name=entry.name, url=entry.url, default=entry == default)
        for entry in known.projects
    }
    for project, url in _on_server():
        mine = listed.get(project.name)
        if mine is None or mine.url == url:
            listed[project.name] = ListedProject(
                name=project.name, url=url, role=project.role, default=bool(mine and mine.default)
            )
    return list(listed.values())


def _on_server() -> list[tuple[Project, str]]:
    try:
        connection = connect(None)
        with Client(connection) as client:
            projects = client.get(list[Project], path("projects"))
    except (ServerUnreachable, Unavailable, Unauthenticated):
        return []
    return [(project, connection.url) for project in projects]


def _remember(project: KnownProject) -> None:
    file = client_file()
    save(load(file).with_project(project), file)
