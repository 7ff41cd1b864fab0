"""The end of a project, which excludes the start of a run in it."""

from api.services import Services
from perdure.errors import Conflict
from store.audit import Author


async def delete(services: Services, project: str, by: Author) -> None:
    """Remove a project in which nothing runs. Raises `NotFound` and `Conflict`.

    What was applied is looked at first, then whether it lives, and the store deletes only while
    nothing was applied since (ADR 25). The list of living runs lags behind what is true, so each
    name that may live is asked for as well.
    """
    seen = await services.store.projects.applies(project)
    living = {status.name for status in await services.runs.statuses(project)}
    for run in sorted(seen.runs - living):
        if await services.runs.lives(project, run):
            living.add(run)
    if living:
        raise Conflict(f"Services run in the project `{project}`.", hint="Stop them first.")
    await services.store.projects.delete(project, seen, by=by)
