"""The audit log, as the API has it."""

from typing import Any

from cli.client import Client, path
from cli.connection import connect
from spec.audit import AuditEvent
from spec.people import Identity

PAGE = 1000
"""Events that are asked for at once: as many as the API gives."""


def events(project: str | None, since: str | None, limit: int) -> list[AuditEvent]:
    """The newest `limit` events, newest first.

    Without a project those of the whole server, for its admins; others get their project's.
    """
    with Client(connect(project)) as client:
        everything = project is None and client.get(Identity, path("me")).role.administers
        where = path("audit") if everything else client.in_project("audit")
        found: list[AuditEvent] = []
        while len(found) < limit:
            asked: dict[str, Any] = {"limit": min(PAGE, limit - len(found))}
            if since is not None:
                asked["since"] = since
            if found:
                asked["before"] = found[-1].id
            page = client.get(list[AuditEvent], where, **asked)
            found += page
            if len(page) < asked["limit"]:
                break
    return found
