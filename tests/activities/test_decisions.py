"""What a run decided is kept once, however often it is told."""

from datetime import UTC, datetime

from temporalio.testing import ActivityEnvironment

from activities.decisions import Decisions
from spec.decision import Decision, Rule
from spec.deeds import DecisionBatch, Kept
from spec.run_status import RunStatus
from spec.status import RunPhase
from store.applies import Applies
from store.store import Store

AT = datetime(2026, 11, 29, 3, 12, tzinfo=UTC)
STATUS = RunStatus(
    project="main",
    name="web",
    status=RunPhase.RUNNING,
    status_message="running",
    submitted_at=AT,
    incarnation="life1",
    revision=1,
    desired=3,
    ready=1,
)


def batch(*numbers: int, project: str = "main") -> DecisionBatch:
    return DecisionBatch(
        project=project,
        run="web",
        incarnation="life1",
        decisions=tuple(
            Decision(number=number, at=AT, rule=Rule.SCALED, outcome=f"Scaled to {number}.")
            for number in numbers
        ),
        status=STATUS,
    )


async def test_decisions_and_status_are_kept(
    environment: ActivityEnvironment, store: Store
) -> None:
    kept = await environment.run(Decisions(store).keep_decisions, batch(1, 2))
    assert kept == Kept(count=2)
    assert [each.number for each in await store.decisions.read("main", 10)] == [2, 1]
    assert await store.decisions.status_at("main", "web", AT) == STATUS


async def test_an_activity_that_is_tried_again_keeps_nothing_twice(
    environment: ActivityEnvironment, store: Store
) -> None:
    doer = Decisions(store)
    counts = [(await environment.run(doer.keep_decisions, batch(1, 2))).count for _ in range(2)]
    assert counts == [2, 0]
    assert len(await store.decisions.read("main", 10)) == 2


async def test_for_a_deleted_project_nothing_is_kept_and_nothing_fails(
    environment: ActivityEnvironment, store: Store
) -> None:
    """The run is on its way out: it must not be held up by what nobody can ask for."""
    await store.projects.create("team", "admin")
    await store.projects.delete("team", Applies())
    kept = await environment.run(Decisions(store).keep_decisions, batch(1, project="team"))
    assert kept == Kept(count=0)
    assert await store.decisions.read("team", 10) == ()
