"""A run's name that nobody has: the nearest one that there is."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli.client import Client
from perdure.errors import NotFound, PerdureError
from spec.complaint import suggestion
from spec.submission import RunView


@contextmanager
def telling_near_names(client: Client, name: str | None) -> Iterator[None]:
    """Give a `NotFound` about the run of that name a hint, when it was most likely mistyped."""
    try:
        yield
    except NotFound as error:
        names = [] if name is None else _names(client)
        hint = suggestion(name, names) if name is not None and name not in names else ""
        if not hint:
            raise
        raise NotFound(error.message, hint=hint) from error


def _names(client: Client) -> list[str]:
    """All that the server lists; none when it does not: the first error is the one to tell."""
    try:
        runs = client.get(list[RunView], client.in_project("runs"), all="true")
    except PerdureError:
        return []
    return [run.name for run in runs]
