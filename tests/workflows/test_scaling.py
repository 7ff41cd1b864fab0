"""A run follows its load, from zero to its maximum and back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import deeds
from engine.ids import Message
from engine.options import heartbeat
from engine.runs import Runs
from perdure.errors import ContainerCreateFailed
from spec.decision import Rule
from spec.pauses import Pauses
from spec.run import WakeNote
from spec.scale import ScaleRequest
from spec.status import RunPhase
from store.decisions import DecisionFilter
from tests.testbed.deadline import eventually
from tests.workflows.load import LoadOf, load_of
from tests.workflows.stage import PROJECT, Stage
from workflows.load_watch import HEARTBEATS_ASLEEP

IN_FLIGHT = {"metric": "in_flight", "target": 10, "scale_down_delay": 1, "window": 30}


@pytest.fixture
async def load(at_work: Stage, tmp_path: Path) -> AsyncIterator[LoadOf]:
    async with load_of(at_work, "web", tmp_path) as made:
        yield made


async def apply(stage: Stage, load: LoadOf, replicas: str) -> str:
    accepted = await stage.apply("web", replicas=replicas, scaling=IN_FLIGHT)
    load.is_of(accepted.incarnation)
    return accepted.incarnation


async def until_decided(stage: Stage, rule: Rule, count: int = 1) -> list[str]:
    """Wait until so many decisions by this rule are kept; their outcomes, newest first."""
    found: list[str] = []

    async def holds() -> bool:
        kept = await stage.store.decisions.read(PROJECT, 100, DecisionFilter(run="web"))
        found[:] = [each.outcome for each in kept if each.rule is rule]
        return len(found) >= count

    await eventually(holds, f"{count} decisions of {rule} are kept")
    return found


async def time_outs_of_watches(stage: Stage) -> list[float]:
    """How many heartbeats each watch of the run may be silent, in order."""
    found = []
    async for event in stage.runs.handle(PROJECT, "web").fetch_history_events():
        asked = event.activity_task_scheduled_event_attributes
        if asked.activity_type.name == deeds.load_watch.name:
            found.append(asked.heartbeat_timeout.ToTimedelta() / heartbeat())
    return found


async def test_it_follows_its_load_up_and_down(at_work: Stage, load: LoadOf) -> None:
    load.busy(5)
    await apply(at_work, load, "1..4")
    await at_work.until_ready("web", 1)
    load.busy(31)
    await at_work.until_ready("web", 4)
    load.busy(11)
    await at_work.until_ready("web", 2)
    assert (await until_decided(at_work, Rule.SCALED, 2))[1] == (
        "From 1 to 4 replicas: more are needed."
    )


async def test_it_sleeps_when_nobody_asks_and_wakes_when_somebody_does(
    at_work: Stage, load: LoadOf
) -> None:
    load.busy(1)
    life = await apply(at_work, load, "0..2")
    await at_work.until_ready("web", 1)
    load.busy(0)
    asleep = await at_work.until_phase("web", RunPhase.PENDING)
    assert (asleep.status_message, asleep.desired) == ("waiting for requests", 0)
    assert (await at_work.runs.route(PROJECT, "web")).asleep
    until_ready, since_then = 1, 1
    asked = [until_ready, since_then, HEARTBEATS_ASLEEP]
    assert await time_outs_of_watches(at_work) == asked
    load.held(1)
    await at_work.runs.wake(PROJECT, "web", WakeNote(incarnation=life))
    awake = await at_work.until_ready("web", 1)
    assert awake.status_message == "running"
    route = await at_work.runs.route(PROJECT, "web")
    assert (route.asleep, route.cold_start is not None) == (False, True)
    await until_decided(at_work, Rule.WOKEN)


async def test_a_request_that_waits_is_seen_also_when_nobody_tells_the_run(
    at_work: Stage, load: LoadOf
) -> None:
    load.busy(1)
    await apply(at_work, load, "0..3")
    await at_work.until_ready("web", 1)
    load.busy(0)
    await at_work.until_phase("web", RunPhase.PENDING)
    load.held(25)
    await at_work.until_ready("web", 3)


async def test_a_number_set_by_hand_counts_until_it_runs_out(at_work: Stage, load: LoadOf) -> None:
    load.busy(15)
    await apply(at_work, load, "1..4")
    await at_work.until_ready("web", 2)
    await at_work.runs.handle(PROJECT, "web").execute_update(
        Message.SCALE, ScaleRequest(replicas=3, seconds=3)
    )
    assert (await at_work.until_ready("web", 3)).override is not None
    assert (await at_work.until_ready("web", 2)).override is None


async def test_one_that_cannot_be_added_is_tried_again_after_a_while(
    at_work: Stage, load: LoadOf
) -> None:
    at_work.runs = Runs(at_work.client, pauses=Pauses(unfilled=3))
    load.busy(1)
    await apply(at_work, load, "1..2")
    await at_work.until_ready("web", 1)
    at_work.runtime.fail("start", ContainerCreateFailed("There is no room."))
    load.busy(15)
    (told,) = await until_decided(at_work, Rule.RETRIED)
    assert told == "Replica 1 is not tried again."
    status = await at_work.status("web")
    assert (status.status, status.ready, status.desired) == (RunPhase.RUNNING, 1, 2)
    await at_work.until_ready("web", 2)
