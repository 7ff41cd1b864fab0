"""Updates and rollbacks of real runs, as the command line takes what these tell."""

import asyncio

import pytest

from api.applications import Applications
from api.rollbacks import Rollbacks
from api.run_views import run_view
from api.services import make_services
from cli.updating import Course, course, summary
from perdure.errors import ContainerCreateFailed, PlanChanged
from spec.run import Accepted
from spec.run_spec import RunSpec
from spec.service import ServiceConfiguration
from spec.submission import ApplyCall, RollbackCall
from store.audit import Author
from tests.workflows.conftest import at_work as at_work
from tests.workflows.conftest import recorder as recorder
from tests.workflows.conftest import stage as stage
from tests.workflows.stage import PROJECT, Stage

with_cache = pytest.mark.parametrize("at_work", [1_000], ids=["cached"], indirect=True)
BY = Author(user="admin", token="t1")
WEB = {"type": "service", "name": "web", "port": 8000, "commands": ["serve"], "stop_duration": 5}


class Person:
    """Who applies and rolls back, and stays."""

    def __init__(self, stage: Stage, applications: Applications, rollbacks: Rollbacks) -> None:
        self._stage = stage
        self._applications = applications
        self.rollbacks = rollbacks
        self.shown: list[str] = []

    async def apply(self, **properties: object) -> Accepted:
        configuration = ServiceConfiguration.model_validate(WEB | properties)
        applied = await self._applications.apply(ApplyCall(configuration=configuration), None)
        return applied.accepted

    async def roll_back(self, to: int, check: str | None = None) -> Accepted:
        call = RollbackCall(to=to, check=check)
        return (await self.rollbacks.roll_back("web", call, None)).accepted

    async def stay(self, accepted: Accepted) -> Course:
        """Until the update is not under way any more."""
        self.shown.clear()
        async with asyncio.timeout(60):
            async for status in self._stage.runs.watch(PROJECT, "web", pause=0.01):
                view = run_view(status, "http://localhost:3000")
                self.shown.append(next(iter(summary(view, accepted))))
                found = course(view, accepted)
                if found is not Course.UNDER_WAY:
                    return found
        raise AssertionError("the run ended without an end of its update")

    async def spec(self) -> RunSpec:
        state = await self._stage.runs.state(PROJECT, "web")
        assert state is not None
        assert state.spec is not None
        return state.spec

    def values(self) -> set[str]:
        """What the variable is in the containers that there are."""
        return {each.job.env.get("A", "") for each in self._stage.runtime.containers.values()}


async def person_of(stage: Stage) -> Person:
    services = await make_services(stage.settings, stage.store, stage.runs)
    applications = Applications(services, PROJECT, BY)
    return Person(stage, applications, Rollbacks(services, PROJECT, BY))


@with_cache
async def test_an_update_is_followed_to_its_end_and_taken_back_with_its_values(
    at_work: Stage,
) -> None:
    person = await person_of(at_work)
    await person.apply(env={"A": "first"}, replicas=2)
    await at_work.until_ready("web", 2)
    assert await person.stay(await person.apply(env={"A": "second"}, replicas=2)) is Course.DONE
    assert person.values() == {"second"}
    assert "web  1/2 of the new version ready, 1 of the old one serves" in " ".join(person.shown)
    found = await person.rollbacks.plan("web", None)
    assert (found.revision, [each.field for each in found.plan.changes]) == (1, ["env.A"])
    accepted = await person.roll_back(found.revision, found.plan.check)
    assert (accepted.revision, await person.stay(accepted)) == (3, Course.DONE)
    assert person.values() == {"first"}
    assert (await person.rollbacks.plan("web", None)).revision == 2


@with_cache
async def test_a_change_in_place_is_done_when_the_replicas_are_there(at_work: Stage) -> None:
    person = await person_of(at_work)
    await person.apply(env={"A": "first"})
    await at_work.until_ready("web", 1)
    assert await person.stay(await person.apply(env={"A": "first"}, replicas=2)) is Course.DONE
    assert (await at_work.status("web")).ready == 2
    assert (await person.rollbacks.plan("web", None)).revision == 1
    assert await person.stay(await person.roll_back(1)) is Course.DONE
    await at_work.until_ready("web", 1)
    assert person.values() == {"first"}


@with_cache
async def test_an_update_that_fails_is_undone_and_not_gone_back_to(at_work: Stage) -> None:
    person = await person_of(at_work)
    await person.apply(env={"A": "first"})
    await at_work.until_ready("web", 1)
    await person.stay(await person.apply(env={"A": "second"}))
    second = await person.spec()
    at_work.runtime.fail("start", ContainerCreateFailed("It is broken.", hint="Mend it."))
    accepted = await person.apply(env={"A": "third"})
    assert await person.stay(accepted) is Course.UNDONE
    reverted = (await at_work.status("web")).reverted
    assert reverted is not None
    assert (reverted.revision, reverted.code) == (3, "container_create_failed")
    assert reverted.hint == "Mend it."
    assert (await person.spec(), person.values()) == (second, {"second"})
    assert (await person.rollbacks.plan("web", None)).revision == 1
    assert await person.stay(await person.roll_back(3)) is Course.DONE
    assert person.values() == {"third"}


@with_cache
async def test_a_rollback_that_was_planned_before_the_run_changed_is_refused(
    at_work: Stage,
) -> None:
    person = await person_of(at_work)
    await person.apply(env={"A": "first"})
    await at_work.until_ready("web", 1)
    await person.stay(await person.apply(env={"A": "second"}))
    found = await person.rollbacks.plan("web", None)
    later = await person.apply(env={"A": "third"})
    with pytest.raises(PlanChanged):
        await person.roll_back(found.revision, found.plan.check)
    await person.stay(later)
    assert await at_work.store.envelopes.open((await person.spec()).sealed, PROJECT, "web")


@with_cache
async def test_another_apply_takes_over_from_an_update(at_work: Stage) -> None:
    person = await person_of(at_work)
    await person.apply(env={"A": "first"})
    await at_work.until_ready("web", 1)
    gate = at_work.runtime.hold("pull")
    second = await person.apply(env={"A": "second"})
    third = await person.apply(env={"A": "third"})
    assert await person.stay(second) is Course.TAKEN_OVER
    gate.set()
    assert await person.stay(third) is Course.DONE
    assert person.values() == {"third"}
