"""What proxies may read of a run."""

from datetime import timedelta

import pytest

from policy.desired import overridden
from policy.transitions import stopped
from policy.views import route_table, run_status
from spec.deployment import Deployment
from spec.replica import ReplicaRecord
from spec.route import ModelRoute
from spec.run import RunState
from spec.scale import ScaleRequest
from spec.status import Health, ReplicaPhase
from tests.policy.making import (
    LATER,
    NOW,
    PLACE,
    READY,
    SICK,
    failed,
    ranged,
    record,
    retried,
    run,
    spec,
)

NARROW = PLACE.model_copy(update={"exclusive": True})


def routed(*records: ReplicaRecord, **properties: object) -> RunState:
    return run(spec(**properties), records=records)


def test_only_ready_and_draining_replicas_are_routed() -> None:
    records = [
        record(num, phase=phase, address=f"tcp://10.0.0.{num}:80")
        for num, phase in enumerate(ReplicaPhase)
    ]
    table = route_table(routed(*records, READY.model_copy(update={"id": "r-ready"})), NOW)
    assert [(each.id, each.state) for each in table.replicas] == [
        ("r4", "draining"),
        ("r-ready", "ready"),
    ]


def test_an_unhealthy_replica_is_out_of_the_routes_until_it_is_ready_again() -> None:
    table = route_table(routed(READY, SICK), NOW)
    assert [each.id for each in table.replicas] == ["r0"]
    well = SICK.model_copy(update={"ready": True, "health": Health.HEALTHY})
    assert [each.id for each in route_table(routed(READY, well), NOW).replicas] == ["r0", "r1"]


def test_requests_of_a_run_whose_last_replica_is_unhealthy_are_held_for_it() -> None:
    table = route_table(routed(SICK), NOW)
    assert (table.replicas, table.starting) == ((), True)


def test_the_line_of_an_unhealthy_replica_has_what_its_probes_say() -> None:
    (line,) = run_status(routed(SICK)).replicas
    assert (line.ready, line.health) == (False, Health.UNHEALTHY)
    assert line.message == "The probe `GET /health` answered 503."


def test_a_replica_without_an_address_is_not_routed() -> None:
    assert route_table(routed(record(phase="draining")), NOW).replicas == ()


@pytest.mark.parametrize("phase", list(ReplicaPhase))
def test_a_table_says_whether_a_replica_is_on_its_way(phase: ReplicaPhase) -> None:
    starting = phase in ("submitted", "provisioning", "pulling", "running")
    assert route_table(routed(record(phase=phase)), NOW).starting is starting


@pytest.mark.parametrize(
    ("state", "starting"),
    [(routed(), True), (routed().model_copy(update={"spec": None}), False)],
    ids=["just applied", "nothing wanted yet"],
)
def test_a_run_whose_first_replica_is_not_made_yet_is_starting(
    state: RunState, starting: bool
) -> None:
    assert route_table(state, NOW).starting is starting


def test_a_run_that_stops_before_its_first_replica_is_not_starting() -> None:
    assert not route_table(stopped(routed(), NOW, abort=False), NOW).starting


def test_a_table_has_a_new_version_exactly_when_it_differs() -> None:
    state = routed(READY, model={"name": "m", "format": "openai", "prefix": "/api"}, auth=False)
    first = route_table(state, NOW)
    assert first.version == 1
    assert (first.auth, first.model) == (False, ModelRoute(name="m", prefix="/api"))
    again = state.model_copy(update={"route": first})
    assert route_table(again, NOW) is first
    assert route_table(again.model_copy(update={"records": ()}), NOW).version == 2


AWAY = record(0, phase="draining", leave_by=LATER, address="tcp://a:1")
ENDING = record(1, phase="terminating", reason="error")
SENT_AWAY = ENDING.model_copy(update={"leave_by": LATER, "placement": PLACE})
BEFORE = Deployment(revision=0, spec=spec())


@pytest.mark.parametrize(
    ("state", "asleep"),
    [
        (ranged(0), True),
        (ranged(1), False),
        (ranged(0, AWAY), True),
        (ranged(0, blocked_until=LATER), False),
        (ranged(0, blocked_until=NOW), True),
        (overridden(ranged(0), ScaleRequest(replicas=0), NOW), False),
        (stopped(ranged(0), NOW, abort=False), False),
        (run(spec(replicas=0)), False),
    ],
    ids=[
        "nobody asks",
        "one is wanted",
        "the last one drains",
        "the last one failed just now",
        "the last one failed long ago",
        "somebody wants none",
        "it stops",
        "none was asked for",
    ],
)
def test_a_table_says_whether_a_request_would_wake_the_run(state: RunState, asleep: bool) -> None:
    assert route_table(state, NOW).asleep is asleep


@pytest.mark.parametrize(
    ("state", "starting"),
    [
        (ranged(0), False),
        (ranged(1), True),
        (run(spec(), records=(failed("error"),)), False),
        (retried(run(spec(), records=(failed("error"),))), True),
        (retried(run(spec(replicas=0), records=(failed("error"),))), False),
        (run(spec(), records=(AWAY,)), True),
        (run(spec(), records=(AWAY.model_copy(update={"placement": PLACE}),)), False),
        (run(spec(), records=(AWAY.model_copy(update={"placement": NARROW}),)), True),
        (run(spec(), records=(ENDING,)), False),
        (run(spec(retry=True), records=(ENDING,)), True),
        (run(spec(retry=True), records=(SENT_AWAY,)), False),
        (run(spec(retry=True, replicas=0), records=(ENDING,)), False),
        (run(spec(), records=(ENDING,), good=BEFORE), True),
        (run(spec(), elastic=False), True),
        (run(spec(), elastic=False, records=(AWAY,)), False),
    ],
    ids=[
        "it sleeps",
        "one is wanted and none is there",
        "it failed",
        "it is tried again",
        "it is tried again and nobody wants it",
        "one that leaves may take the place of the next",
        "one leaves and the next has room",
        "one leaves and the next has no room",
        "it fails",
        "it fails and will be tried again",
        "it ends as it was told to",
        "it fails and nobody wants it",
        "the update fails and will be undone",
        "an old run just applied",
        "an old run whose replica leaves",
    ],
)
def test_a_table_says_whether_one_will_come_by_itself(state: RunState, starting: bool) -> None:
    assert route_table(state, NOW).starting is starting


def test_a_cold_start_is_how_long_the_one_that_was_ready_last_took() -> None:
    first = READY.model_copy(update={"started_at": NOW, "ready_at": NOW + timedelta(seconds=9)})
    last = record(1, started_at=NOW, ready_at=NOW + timedelta(seconds=20.5))
    state = run(spec(replicas=2), records=(last, first))
    table = route_table(state, NOW)
    assert (route_table(run(spec()), NOW).cold_start, table.cold_start) == (None, 20.5)
    empty = state.model_copy(update={"route": table, "records": ()})
    assert route_table(empty, NOW).cold_start == 20.5
