"""Runs as they were, out of what the store remembers."""

from datetime import UTC, datetime

from api.services import Services
from engine.absence import no_run
from perdure.errors import NotFound
from spec.run_status import RunStatus


async def past_status(services: Services, project: str, run: str, at: datetime) -> RunStatus:
    """The run as it was at that time. Raises `NotFound`, which tells since when anything is known.

    It is what was kept last before: a run tells its status with each of its decisions.
    """
    store = services.store.decisions
    status = await store.status_at(project, run, at)
    if status is not None:
        return status
    since = await store.known_since(project, run)
    if since is None and await services.runs.status(project, run) is None:
        raise no_run(project, run)
    days = services.settings.decision_days
    raise NotFound(
        f"Nothing is known of the run `{run}` at {_written(at)}.",
        hint=f"What is known of it begins at {_written(since)}."
        if since
        else f"How a run was is kept with each of its decisions, for {days} days.",
    )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
