"""What becomes of a run, as events: its status at each change, and its log to the end."""

from collections.abc import AsyncIterator

from api.event_stream import Event
from api.run_views import run_view
from api.services import Services
from engine.absence import no_run
from store.logs import LogFilter

PAGE = 500
ASK_SECONDS = 0.5
"""How often a log's follower asks whether the run has ended, when no line comes."""


async def status_events(services: Services, project: str, run: str) -> AsyncIterator[Event]:
    """`status` with the run as it is, and again at each change until it has ended."""
    async for status in services.watchers.watch(project, run):
        view = run_view(status, services.settings.base_url)
        yield Event(name="status", data=view.model_dump_json())


async def log_incarnation(services: Services, project: str, run: str) -> str:
    """The life of the run whose log people want: the present or last one. Raises `NotFound`."""
    status = await services.runs.status(project, run)
    if status is not None and status.incarnation:
        return status.incarnation
    # Temporal forgets finished runs; the store remembers their logs.
    incarnation = await services.store.logs.latest_incarnation(project, run)
    if incarnation is None and status is None:
        raise no_run(project, run)
    return incarnation or ""


async def log_events(
    services: Services, project: str, run: str, *, after: int, only: LogFilter
) -> AsyncIterator[Event]:
    """`log` with each line after number `after`, then `end` when that life's log is complete."""
    logs = services.store.logs
    while True:
        # First asked, then read: what was logged before the end is not missed.
        newest = await logs.last_id(project, run)
        ended = await _has_ended(services, project, run, only.incarnation)
        while True:
            page = await logs.read(project, run, after=after, limit=PAGE, only=only)
            for line in page.lines:
                yield Event(name="log", data=line.model_dump_json(), id=str(line.id))
            after = page.upto
            if len(page.lines) < PAGE:
                break
        if ended:
            yield Event(name="end", data="{}")
            return
        await logs.wait(project, run, beyond=newest, seconds=ASK_SECONDS)


async def _has_ended(services: Services, project: str, run: str, life: str | None) -> bool:
    status = await services.runs.status(project, run)
    return status is None or status.status.is_final or status.incarnation != life
