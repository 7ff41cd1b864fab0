"""A project that is deleted while something is written into it: the one excludes the other.

An apply stops before each of its steps, and goes on before, within or after the deletion.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from api.services import Services
from perdure.settings import Settings
from spec.people import GlobalRole, ProjectRole
from spec.run import Accepted, ApplyRequest
from spec.run_status import RunStatus
from spec.status import RunPhase
from store.applies import CUT
from store.database import Database
from store.projects import INSIDE
from store.store import Store
from tests.api.fake_runs import FakeRuns, run_status
from tests.api.test_errors import SERVICE
from tests.store.conftest import Clock

PROJECT = "team"
RUNS = f"/projects/{PROJECT}/runs"
APPLY = {"configuration": SERVICE | {"env": {"A": "value"}}}
STEPS = (
    *("idempotency.claim", "envelopes.put", "runs.apply"),
    *("revisions.append", "changes.run_started", "idempotency.answer"),
)


class LivingRuns(FakeRuns):
    """Runs that live from their apply to their stop, and are on no list: it lags behind."""

    async def apply(self, project: str, run: str, request: ApplyRequest, key: str) -> Accepted:
        accepted = await super().apply(project, run, request, key)
        self.know(run_status(run, project=project))
        return accepted

    async def stop(self, project: str, run: str, *, abort: bool = False) -> RunStatus:
        await super().stop(project, run, abort=abort)
        self.know(run_status(run, RunPhase.TERMINATED, project=project))
        return self.known[project, run]

    async def statuses(
        self, project: str | None = None, *, include_finished: bool = False
    ) -> list[RunStatus]:
        return []


class Pause:
    """Stops whoever comes to a step first, until it may go on."""

    def __init__(self) -> None:
        self._reached, self._open = asyncio.Event(), asyncio.Event()

    def before(self, patch: pytest.MonkeyPatch, owner: Any, step: str) -> "Pause":
        go_on = getattr(owner, step)

        async def paused(*args: Any, **options: Any) -> Any:
            if not self._reached.is_set():
                self._reached.set()
                await self._open.wait()
            return await go_on(*args, **options)

        patch.setattr(owner, step, paused)
        return self

    async def reached(self) -> None:
        async with asyncio.timeout(20):
            await self._reached.wait()

    def go_on(self) -> None:
        self._open.set()


@pytest.fixture
def runs() -> LivingRuns:
    return LivingRuns()


@dataclass(frozen=True)
class Team:
    """A project with a secret, as an admin of the server has it, and what can stop there."""

    admin: httpx.AsyncClient
    settings: Settings
    store: Store
    runs: LivingRuns
    clock: Clock
    patch: pytest.MonkeyPatch

    def pause(self, step: str) -> Pause:
        """Before the first call of `NOUN.METHOD`, of the store or of the runs."""
        noun, method = step.split(".")
        owner = self.runs if noun == "runs" else getattr(self.store, noun)
        return Pause().before(self.patch, owner, method)

    def applying(self) -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(self.admin.post(RUNS, json=APPLY))

    async def delete(self) -> httpx.Response:
        return await self.admin.delete(f"/projects/{PROJECT}")

    def move(self) -> None:
        """So far that what is on its way counts as cut."""
        self.clock.move(seconds=CUT.total_seconds())

    async def rows(self) -> dict[str, int]:
        """How many rows of the project each table has, where there are any."""
        database = Database(self.settings.store_url)
        async with database.read() as connection:
            found = {
                table.name: await connection.scalar(
                    select(func.count()).select_from(table).where(table.c.project == PROJECT)
                )
                for table in INSIDE
            }
        await database.close()
        return {name: count for name, count in found.items() if count}

    async def require_one_winner(self, applied: httpx.Response, deleted: httpx.Response) -> None:
        """No run lives in a project that is gone, and nothing is left of it."""
        lives = await self.runs.lives(PROJECT, "app")
        if deleted.status_code == 204:
            assert applied.status_code == 404, applied.text
            assert not lives
            assert await self.rows() == {}
        else:
            assert (deleted.status_code, applied.status_code) == (409, 200), applied.text
            assert lives
            kept = {"members", "secrets", "envelopes", "idempotency", "revisions"}
            assert set(await self.rows()) == kept


@pytest.fixture
async def team(
    admin: httpx.AsyncClient,
    services: Services,
    runs: LivingRuns,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Team:
    await services.store.projects.create(PROJECT, "admin")
    await services.store.secrets.set(PROJECT, "KEY", "value")
    return Team(admin, services.settings, services.store, runs, clock, monkeypatch)


@pytest.mark.parametrize("was_cut", [False, True])
@pytest.mark.parametrize("step", STEPS)
async def test_a_deletion_while_a_run_is_applied(team: Team, step: str, was_cut: bool) -> None:
    """`was_cut`: the request stands still for so long that nobody waits for it any more."""
    pause = team.pause(step)
    applying = team.applying()
    await pause.reached()
    if was_cut:
        team.move()
    deleted = await team.delete()
    pause.go_on()
    await team.require_one_winner(await applying, deleted)
    before_its_start = step == STEPS[0] or (was_cut and step in STEPS[:3])
    assert deleted.status_code == (204 if before_its_start else 409)


@pytest.mark.parametrize("was_cut", [False, True])
@pytest.mark.parametrize("step", STEPS)
async def test_an_apply_that_goes_on_when_the_deletion_has_looked(
    team: Team, step: str, was_cut: bool
) -> None:
    pause, looked = team.pause(step), team.pause("projects.delete")
    applying = team.applying()
    await pause.reached()
    if was_cut:
        team.move()
    deleting = asyncio.create_task(team.delete())
    looking = asyncio.create_task(looked.reached())
    # It is refused right there, where the run lives already.
    await asyncio.wait({looking, deleting}, return_when=asyncio.FIRST_COMPLETED)
    looking.cancel()
    pause.go_on()
    applied = await applying
    looked.go_on()
    deleted = await deleting
    await team.require_one_winner(applied, deleted)
    assert deleted.status_code == 409


@pytest.mark.parametrize("step", ["revisions.append", "idempotency.answer"])
async def test_a_cut_request_whose_run_starts_between_look_and_deletion_stops_it(
    team: Team, step: str
) -> None:
    """The one case in which a run can start: it was waited for, and then it came."""
    start, end, looked = team.pause("runs.apply"), team.pause(step), team.pause("projects.delete")
    applying = team.applying()
    await start.reached()
    team.move()
    deleting = asyncio.create_task(team.delete())
    await looked.reached()
    start.go_on()
    await end.reached()
    assert await team.runs.lives(PROJECT, "app")
    looked.go_on()
    deleted = await deleting
    end.go_on()
    assert deleted.status_code == 204
    await team.require_one_winner(await applying, deleted)
    assert team.runs.stopped == [("app", True)]


async def test_nothing_is_written_into_a_project_that_is_gone(team: Team) -> None:
    """Each request was let in before, and writes afterwards."""
    archive = b"code"
    await team.store.users.create("bob", GlobalRole.USER)
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "secrets.set": ("secrets/OTHER", {"json": {"value": "v"}}),
        "code.put": (f"code/{hashlib.sha256(archive).hexdigest()}", {"content": archive}),
        "projects.set_member": ("members/bob", {"json": {"role": ProjectRole.USER}}),
    }
    pauses, writing = [], []
    for step, (path, body) in requests.items():
        pauses.append(team.pause(step))
        url = f"/projects/{PROJECT}/{path}"
        writing.append(asyncio.create_task(team.admin.put(url, **body)))
        await pauses[-1].reached()
    assert (await team.delete()).status_code == 204
    for pause in pauses:
        pause.go_on()
    assert [answer.status_code for answer in await asyncio.gather(*writing)] == [404] * 3
    assert await team.rows() == {}


async def test_a_project_whose_last_request_was_cut_is_deleted_minutes_later(team: Team) -> None:
    team.runs.breaks_before_apply = True
    assert (await team.applying()).status_code == 500
    refused = await team.delete()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "`app` is just being applied" in refused.json()["error"]["message"]
    team.move()
    assert (await team.delete()).status_code == 204


async def test_a_project_whose_run_was_stopped_is_deleted_at_once(team: Team) -> None:
    assert (await team.applying()).status_code == 200
    assert (await team.delete()).status_code == 409
    await team.admin.post(f"{RUNS}/app/stop", json={})
    assert (await team.delete()).status_code == 204
