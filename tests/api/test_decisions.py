"""What was decided and how runs were, as the API tells it to members of the project."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from spec.decision import Decision, Rejected, Rule
from spec.deeds import DecisionBatch
from spec.status import RunPhase
from store.store import Store
from tests.api.fake_runs import FakeRuns, run_status
from tests.store.conftest import Clock

DECISIONS, EVENTS = "/projects/main/runs/app/decisions", "/projects/main/events"
RUN = "/projects/main/runs/app"


async def decide(
    store: Store,
    *numbers: int,
    run: str = "app",
    life: str = "life1",
    phase: RunPhase = RunPhase.RUNNING,
) -> None:
    """Now, each of them, and the run is in this phase."""
    batch = DecisionBatch(
        project="main",
        run=run,
        incarnation=life,
        decisions=tuple(
            Decision(
                number=number,
                at=store.now(),
                rule=Rule.SCALED,
                outcome=f"Scaled to {number}.",
                inputs={"requests_per_second": "42"},
                rejected=(Rejected(option="1", why="too few"),),
            )
            for number in numbers
        ),
        status=run_status(run, phase, incarnation=life),
    )
    await store.decisions.keep(batch)


async def outcomes(client: httpx.AsyncClient, path: str = DECISIONS, **asked: Any) -> list[int]:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return [decision["number"] for decision in answer.json()]


async def test_a_decision_is_told_with_its_facts_and_what_was_not_done(
    alice: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await decide(store, 1)
    (told,) = (await alice.get(DECISIONS)).json()
    assert told.pop("id") == 1
    assert datetime.fromisoformat(told.pop("at")) == clock.now
    assert told == {
        "project": "main",
        "run": "app",
        "incarnation": "life1",
        "number": 1,
        "rule": "scaled",
        "outcome": "Scaled to 1.",
        "inputs": {"requests_per_second": "42"},
        "rejected": [{"option": "1", "why": "too few"}],
    }


async def test_the_newest_come_first_and_in_pages(alice: httpx.AsyncClient, store: Store) -> None:
    await decide(store, 1, 2, 3)
    first = (await alice.get(DECISIONS, params={"limit": 2})).json()
    assert [each["number"] for each in first] == [3, 2]
    assert await outcomes(alice, before=first[-1]["id"]) == [1]
    assert await outcomes(alice, after=first[0]["id"]) == []
    await decide(store, 4)
    assert await outcomes(alice, after=first[0]["id"]) == [4]


async def test_all_lives_of_a_name_are_told_or_one(alice: httpx.AsyncClient, store: Store) -> None:
    await decide(store, 1, 2)
    await decide(store, 1, life="life2")
    assert await outcomes(alice) == [1, 2, 1]
    assert await outcomes(alice, life="life1") == [2, 1]
    assert await outcomes(alice, life="life3") == []


async def test_the_first_one_up_to_a_time_was_in_force(
    alice: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await decide(store, 1)
    clock.move(hours=2)
    await decide(store, 2)
    assert await outcomes(alice, at="1h") == [1]
    assert await outcomes(alice, at=(clock.now - timedelta(hours=2)).isoformat()) == [1]
    assert await outcomes(alice, at="3h") == []
    assert await outcomes(alice, since="1h") == [2]


async def test_events_are_those_of_all_runs_of_the_project(
    alice: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await decide(store, 1)
    clock.move(hours=2)
    await decide(store, 2, run="web")
    assert await outcomes(alice, EVENTS) == [2, 1]
    assert await outcomes(alice, EVENTS, since="1h") == [2]
    assert await outcomes(alice, EVENTS, limit=1) == [2]


async def test_a_run_that_decided_nothing_yet_is_no_error_and_an_unknown_one_is(
    alice: httpx.AsyncClient, runs: FakeRuns
) -> None:
    assert (await alice.get(DECISIONS)).status_code == 404
    runs.know(run_status())
    assert await outcomes(alice) == []


async def test_a_run_that_temporal_forgot_is_explained_by_what_the_store_knows(
    alice: httpx.AsyncClient, store: Store
) -> None:
    await decide(store, 1)
    assert await outcomes(alice, since="2027-01-01T00:00:00Z") == []


async def test_a_run_is_told_as_it_was(
    alice: httpx.AsyncClient, store: Store, runs: FakeRuns, clock: Clock
) -> None:
    runs.know(run_status(phase=RunPhase.FAILED))
    await decide(store, 1, phase=RunPhase.PROVISIONING)
    clock.move(hours=2)
    await decide(store, 2, phase=RunPhase.RUNNING)

    async def phase(**asked: str) -> str:
        return str((await alice.get(RUN, params=asked)).json()["status"])

    assert await phase() == "failed"
    assert await phase(at="1h") == "provisioning"
    assert await phase(at=clock.now.isoformat()) == "running"
    told = (await alice.get(RUN, params={"at": "1h"})).json()
    assert told["url"] == "http://localhost:3000/proxy/services/main/app/"


async def test_of_a_time_before_anything_is_known_it_says_since_when(
    alice: httpx.AsyncClient, store: Store, runs: FakeRuns
) -> None:
    async def error() -> tuple[str, str]:
        answer = await alice.get(RUN, params={"at": "2026-11-25T11:00:00+01:00"})
        assert answer.status_code == 404
        told = answer.json()["error"]
        return told["message"], told["hint"]

    assert (await error())[0] == "There is no run `app` in the project `main`."
    runs.know(run_status())
    nothing = "Nothing is known of the run `app` at 2026-11-25T10:00:00Z."
    kept = "How a run was is kept with each of its decisions, for 30 days."
    assert await error() == (nothing, kept)
    await decide(store, 1)
    assert await error() == (nothing, "What is known of it begins at 2026-11-25T12:00:00Z.")


@pytest.mark.parametrize("path", [DECISIONS, EVENTS])
@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 1001}, {"before": 0}, {"after": -1}])
async def test_what_cannot_be_asked_is_refused(
    alice: httpx.AsyncClient, path: str, asked: dict[str, Any]
) -> None:
    assert (await alice.get(path, params=asked)).status_code == 422


async def test_what_is_no_life_is_refused(alice: httpx.AsyncClient) -> None:
    for life in ("", "a\0", "x" * 41):
        assert (await alice.get(DECISIONS, params={"life": life})).status_code == 422


@pytest.mark.parametrize(
    ("path", "name"), [(RUN, "at"), (DECISIONS, "at"), (DECISIONS, "since"), (EVENTS, "since")]
)
async def test_what_is_no_time_is_refused_by_its_name(
    alice: httpx.AsyncClient, path: str, name: str
) -> None:
    answer = await alice.get(path, params={name: "soon"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == f"`{name}` is neither a time nor a duration."


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_a_time_that_no_calendar_has_is_refused(
    alice: httpx.AsyncClient, runs: FakeRuns, at: str
) -> None:
    runs.know(run_status())
    assert (await alice.get(RUN, params={"at": at})).status_code == 422


@pytest.mark.parametrize("path", [DECISIONS, EVENTS])
async def test_who_is_no_member_is_told_nothing(stranger: httpx.AsyncClient, path: str) -> None:
    assert (await stranger.get(path)).status_code == 403
