"""Decisions are kept once, are told newest first, and what was in force is never forgotten."""

import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from perdure.errors import NotFound
from spec.decision import Decision, Rejected, Rule
from spec.deeds import DecisionBatch
from spec.run_status import RunStatus
from spec.status import RunPhase
from store.applies import Applies
from store.decisions import DecisionFilter
from store.store import Store
from tests.store.conftest import Clock

START = Clock().now


def decision(number: int, minutes: float = 0, **properties: object) -> Decision:
    """The one of that number, so many minutes after the start."""
    defaults: dict[str, object] = {
        "number": number,
        "at": START + timedelta(minutes=minutes),
        "rule": Rule.SCALED,
        "outcome": f"Scaled to {number} replicas.",
    }
    return Decision.model_validate(defaults | properties)


def status(desired: int, phase: RunPhase = RunPhase.RUNNING) -> RunStatus:
    return RunStatus(
        project="main",
        name="app",
        status=phase,
        status_message=phase.value,
        submitted_at=START,
        incarnation="life1",
        revision=1,
        desired=desired,
        ready=1,
    )


def batch(
    *decided: Decision, run: str = "app", life: str = "life1", **properties: object
) -> DecisionBatch:
    whose = {"project": "main", "run": run, "incarnation": life, "decisions": decided}
    return DecisionBatch.model_validate(whose | properties)


async def numbers(
    store: Store, limit: int = 10, project: str = "main", **only: object
) -> list[int]:
    found = await store.decisions.read(project, limit, DecisionFilter(**only))  # type: ignore[arg-type]
    return [each.number for each in found]


async def test_a_decision_is_told_as_it_was_made(store: Store) -> None:
    made = decision(
        1,
        inputs={"requests_per_second": "42.5"},
        rejected=(Rejected(option="4 replicas", why="`replicas` allows 3"),),
    )
    assert await store.decisions.keep(batch(made)) == 1
    (told,) = await store.decisions.read("main", 10)
    assert Decision.model_validate(told.model_dump()) == made
    assert (told.project, told.run, told.incarnation) == ("main", "app", "life1")


async def test_very_many_are_kept_at_once(store: Store) -> None:
    """Both databases bound the values of a statement."""
    many = [decision(number) for number in range(1, 4_001)]
    assert await store.decisions.keep(batch(*many)) == 4_000
    assert await store.decisions.keep(batch(*many, decision(4_001))) == 1
    assert await numbers(store, 2) == [4_001, 4_000]


def kept(rule: Rule) -> float:
    return REGISTRY.get_sample_value("perdure_decisions_total", {"rule": rule.value}) or 0


async def test_each_that_is_kept_is_counted_once_by_its_rule(store: Store) -> None:
    before = kept(Rule.SCALED), kept(Rule.REVERTED)
    both = batch(decision(1), decision(2, rule=Rule.REVERTED))
    await store.decisions.keep(both)
    await store.decisions.keep(both)
    assert (kept(Rule.SCALED), kept(Rule.REVERTED)) == (before[0] + 1, before[1] + 1)


def test_each_rule_is_counted_from_zero_on() -> None:
    known = [
        REGISTRY.get_sample_value("perdure_decisions_total", {"rule": rule.value}) for rule in Rule
    ]
    assert None not in known


async def test_one_that_is_told_again_is_kept_once(store: Store) -> None:
    assert await store.decisions.keep(batch(decision(1), decision(2))) == 2
    assert await store.decisions.keep(batch(decision(1), decision(2))) == 0
    assert await store.decisions.keep(batch(decision(2), decision(3))) == 1
    assert await numbers(store) == [3, 2, 1]


async def test_each_life_counts_for_itself(store: Store) -> None:
    await store.decisions.keep(batch(decision(1)))
    assert await store.decisions.keep(batch(decision(1), life="life2")) == 1
    assert await numbers(store, run="app") == [1, 1]
    (told,) = await store.decisions.read("main", 10, DecisionFilter(incarnation="life2"))
    assert told.incarnation == "life2"


async def test_they_are_read_by_run_by_time_and_in_pages(store: Store) -> None:
    await store.decisions.keep(batch(*(decision(n, minutes=n) for n in (1, 2, 3, 4))))
    await store.decisions.keep(batch(decision(9, minutes=2), run="web"))
    assert await numbers(store) == [9, 4, 3, 2, 1]
    assert await numbers(store, project="team") == []
    assert await numbers(store, run="app") == [4, 3, 2, 1]
    assert await numbers(store, run="app", since=START + timedelta(minutes=3)) == [4, 3]
    assert await numbers(store, upto=START + timedelta(minutes=2)) == [9, 2, 1]
    first = await store.decisions.read("main", 2)
    assert await numbers(store, 2, before=first[-1].id) == [3, 2]
    assert await numbers(store, after=first[-1].id) == [9]


async def test_what_no_database_takes_does_not_keep_a_decision_from_being_kept(
    store: Store,
) -> None:
    odd = decision(1, outcome="a\0b", inputs={"image": "x\0y"})
    assert await store.decisions.keep(batch(odd)) == 1
    (told,) = await store.decisions.read("main", 10)
    assert (told.outcome, told.inputs) == ("a\ufffdb", {"image": "x\0y"})


class TestStatus:
    async def test_is_that_of_the_newest_batch_that_is_not_later(self, store: Store) -> None:
        for minute in (1, 5):
            await store.decisions.keep(
                batch(decision(minute, minute), status=status(desired=minute))
            )

        async def desired(minutes: float) -> int | None:
            at = START + timedelta(minutes=minutes)
            found = await store.decisions.status_at("main", "app", at)
            return None if found is None else found.desired

        assert [await desired(at) for at in (0.9, 1, 4.9, 5, 500)] == [None, 1, 1, 5, 5]
        assert await store.decisions.known_since("main", "app") == START + timedelta(minutes=1)

    async def test_of_a_run_that_nobody_knows_is_none(self, store: Store) -> None:
        assert await store.decisions.status_at("main", "app", START) is None
        assert await store.decisions.known_since("main", "app") is None

    async def test_can_change_without_a_decision(self, store: Store) -> None:
        told = batch(status=status(7), at=START + timedelta(minutes=2))
        assert await store.decisions.keep(told) == 0
        assert await store.decisions.status_at("main", "app", START) is None
        at = START + timedelta(minutes=2)
        assert await store.decisions.status_at("main", "app", at) == status(7)

    async def test_of_which_nobody_knows_when_is_not_kept(self, store: Store) -> None:
        assert await store.decisions.keep(batch(status=status(7))) == 0
        assert await store.decisions.known_since("main", "app") is None

    async def test_that_is_told_again_is_the_same_one(self, store: Store) -> None:
        for _ in range(2):
            await store.decisions.keep(batch(decision(1), status=status(1)))
        assert await store.decisions.status_at("main", "app", START) == status(1)


class TestAge:
    async def test_what_was_kept_for_long_enough_goes(self, store: Store, clock: Clock) -> None:
        await store.decisions.keep(
            batch(decision(1), decision(2, 1), decision(3, 2), status=status(3))
        )
        clock.move(days=30)
        assert await store.decisions.expire() == 0
        clock.move(hours=1)
        assert await store.decisions.expire() == 2
        assert await store.decisions.expire() == 0

    async def test_what_is_in_force_stays(self, store: Store, clock: Clock) -> None:
        for minute in (1, 2):
            told = batch(decision(minute, minute), status=status(minute))
            await store.decisions.keep(told)
        clock.move(days=300)
        await store.decisions.expire()
        assert await numbers(store) == [2]
        found = await store.decisions.status_at("main", "app", clock.now)
        assert found == status(2)
        known = await store.decisions.known_since("main", "app")
        assert known == START + timedelta(minutes=2)

    async def test_of_one_run_says_nothing_of_another(self, store: Store, clock: Clock) -> None:
        await store.decisions.keep(batch(decision(1)))
        await store.decisions.keep(batch(decision(2, 5), run="web"))
        clock.move(days=31)
        assert await store.decisions.expire() == 0
        assert await numbers(store) == [2, 1]


async def test_a_deleted_project_takes_them_along(store: Store) -> None:
    await store.projects.create("team", "admin")
    told = batch(decision(1), status=status(1), project="team")
    await store.decisions.keep(told)
    await store.projects.delete("team", Applies())
    assert await numbers(store, project="team") == []
    assert await store.decisions.known_since("team", "app") is None
    with pytest.raises(NotFound):
        await store.decisions.keep(told)


async def test_whoever_follows_their_numbers_meets_each_once_though_old_ones_go(
    store: Store, clock: Clock
) -> None:
    await store.decisions.keep(batch(decision(1), decision(2)))
    (last, _) = await store.decisions.read("main", 2)
    clock.move(days=31)
    await store.decisions.expire()
    fresh = decision(3, minutes=31 * 24 * 60)
    await store.decisions.keep(batch(fresh))
    assert await numbers(store, after=last.id) == [3]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    days=st.lists(st.integers(0, 60), min_size=1, max_size=8, unique=True).map(sorted),
    asked=st.integers(30, 60),
)
async def test_age_changes_no_answer_about_the_days_that_are_kept(
    store: Store, clock: Clock, days: list[int], asked: int
) -> None:
    project = f"p-{uuid.uuid4()}"
    await store.projects.create(project, "admin")
    for day in days:
        told = batch(decision(day, day * 24 * 60), status=status(day), project=project)
        await store.decisions.keep(told)
    at = START + timedelta(days=asked)
    only = DecisionFilter(run="app", upto=at)
    before = await store.decisions.status_at(project, "app", at)
    in_force = await store.decisions.read(project, 1, only)
    clock.now = START + timedelta(days=60)
    await store.decisions.expire()
    clock.now = START
    assert await store.decisions.status_at(project, "app", at) == before
    assert await store.decisions.read(project, 1, only) == in_force
