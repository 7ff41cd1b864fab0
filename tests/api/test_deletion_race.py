"""A deletion and an apply at the same moment, with a Temporal whose list of runs lags behind."""

import asyncio

import pytest

from api.applications import Applications
from api.deletion import delete
from api.housekeeping import sweep_runs
from api.services import Services, make_services
from perdure.errors import Conflict, NotFound
from spec.submission import Applied, ApplyCall
from store.applies import Applies
from store.audit import Author
from tests.testbed.deadline import eventually
from tests.workflows.conftest import at_work as at_work
from tests.workflows.conftest import recorder as recorder
from tests.workflows.conftest import stage as stage
from tests.workflows.stage import Stage, service

pytestmark = pytest.mark.long

ADMIN = Author(user="admin", token="")
RACES = 12


@pytest.fixture
async def services(at_work: Stage) -> Services:
    return await make_services(at_work.settings, at_work.store, at_work.runs)


async def apply(services: Services, project: str) -> Applied:
    call = ApplyCall(configuration=service(name="web", commands=["true"]))
    return await Applications(services, project, ADMIN).apply(call, None)


async def delete_later(services: Services, project: str, turns: int) -> None:
    """After so many looks at the store, each some milliseconds."""
    for _ in range(turns):
        await services.store.projects.all()
    await delete(services, project, ADMIN)


async def race(services: Services, project: str, turns: int) -> None:
    applied, deleted = await asyncio.gather(
        apply(services, project),
        delete_later(services, project, turns),
        return_exceptions=True,
    )
    if deleted is None:
        assert isinstance(applied, NotFound)
        assert not await services.runs.lives(project, "web")
    else:
        assert isinstance(deleted, Conflict)
        assert isinstance(applied, Applied)
        await services.runs.stop(project, "web", abort=True)
        await services.runs.ended(project, "web")
        await delete(services, project, ADMIN)


async def test_one_of_the_two_wins(services: Services) -> None:
    """Many at once, so that they meet at each of their steps."""
    projects = [f"p{n}" for n in range(RACES)]
    for project in projects:
        await services.store.projects.create(project, "admin")
    await asyncio.gather(*(race(services, each, turns) for turns, each in enumerate(projects)))


async def test_a_run_that_outlived_its_project_is_stopped(services: Services) -> None:
    await services.store.projects.create("team", "admin")
    await apply(services, "team")
    seen = await services.store.projects.applies("team")
    assert seen != Applies()
    await services.store.projects.delete("team", seen)

    async def listed() -> bool:
        return ("team", "web") in await sweep_runs(services.store, services.runs)

    await eventually(listed, "the run is on Temporal's list")
    await sweep_runs(services.store, services.runs, {("team", "web")})
    await services.runs.ended("team", "web")
    assert not await services.runs.lives("team", "web")
