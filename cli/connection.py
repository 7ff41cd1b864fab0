"""Which server, project and token the command line uses."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from perdure.client_config import KnownProjects, client_file, load
from perdure.errors import ServerUnreachable, Unauthenticated

TOKEN_VARIABLES = ("PERDURE_TOKEN", "DSTACK_TOKEN")
"""Where the environment may have a token; the first that is set counts."""
DEFAULT_PROJECT = "main"
"""The project that every server has."""


@dataclass(frozen=True)
class Connection:
    """A project on a server. `url` has no slash at its end.

    `variable` is the one of the environment that the token came from, empty for the file.
    """

    project: str
    url: str
    token: str = field(repr=False)
    variable: str = ""


def resolve(
    project: str | None, environment: Mapping[str, str], known: KnownProjects
) -> Connection:
    """The connection to use. An option wins over the environment, the environment over the file.

    The file's token goes to the file's own server only. Raises `ServerUnreachable` when no server
    is known, `Unauthenticated` when there is no token for it.
    """
    name = project or environment.get("PERDURE_PROJECT") or environment.get("DSTACK_PROJECT")
    entry = known.default if name is None else known.find(name) or known.default
    url = environment.get("PERDURE_URL", "").rstrip("/")
    if url and (entry is None or entry.url.rstrip("/") != url):
        entry = next((other for other in known.projects if other.url.rstrip("/") == url), None)
    variable = next((each for each in TOKEN_VARIABLES if environment.get(each)), "")
    token = environment.get(variable, "")
    if not url and entry is None:
        raise ServerUnreachable(
            "No server is known.",
            hint="Start one with `perdure server`, or name one with `perdure project add`.",
        )
    if not token and entry is None:
        raise Unauthenticated(
            f"There is no token for {url}.",
            hint="Set `PERDURE_TOKEN`, or add the server with `perdure project add`.",
        )
    token = token or (entry.token if entry else "")
    require_token(token)
    return Connection(
        project=name or (entry.name if entry else DEFAULT_PROJECT),
        url=url or (entry.url.rstrip("/") if entry else ""),
        token=token,
        variable=variable,
    )


def require_token(token: str) -> None:
    """Raise `Unauthenticated` for what no header can carry."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Unauthenticated(
            "The token holds characters that no token has.",
            hint="Check `PERDURE_TOKEN`, or add the project anew with `perdure project add`.",
        )


def connect(project: str | None) -> Connection:
    """The connection for `--project`, this process's environment and the user's file."""
    return resolve(project, os.environ, load(client_file()))
