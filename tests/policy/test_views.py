"""What proxies and people may read of a run."""

from datetime import timedelta

import pytest

from policy.desired import overridden
from policy.story import run_story
from policy.transitions import applied, stopped
from policy.views import route_table, run_phase, run_status
from spec.deployment import Deployment, Reverted
from spec.replica import Placement, ReplicaRecord
from spec.retrial import Retrial
from spec.retry import RetryEvent
from spec.route import ModelRoute
from spec.run import RunState
from spec.scale import ScaleRequest
from spec.status import EndReason, Health, ReplicaPhase, RunPhase
from tests.policy.making import LIFE, NOW, record, run, spec

READY = record(0, phase="running", ready=True, address="tcp://10.0.0.1:80")
PLACE = Placement(
    backend="local", region="here", instance_type="local", resources="4xCPU, 16GB", price=0.25
)
NARROW = PLACE.model_copy(update={"exclusive": True})


def exited(num: int = 1, code: int = 3) -> ReplicaRecord:
    return record(num, phase="failed", reason="container exited with an error", exit_code=code)


def failed(reason: str) -> ReplicaRecord:
    return record(1, phase="failed", reason=reason)


SICK = record(
    1,
    phase="running",
    address="tcp://10.0.0.2:80",
    health="unhealthy",
    detail="The probe `GET /health` answered 503.",
)


@pytest.mark.parametrize(
    ("phases", "phase"),
    [
        ([], RunPhase.SUBMITTED),
        (["submitted"], RunPhase.SUBMITTED),
        (["submitted", "provisioning"], RunPhase.PROVISIONING),
        (["provisioning", "pulling"], RunPhase.PULLING),
        (["pulling", "running"], RunPhase.RUNNING),
        (["running", "failed"], RunPhase.RUNNING),
        (["draining", "submitted"], RunPhase.RUNNING),
        (["terminating", "failed"], RunPhase.TERMINATING),
    ],
)
def test_a_run_is_as_far_as_its_furthest_replica(phases: list[str], phase: RunPhase) -> None:
    records = tuple(record(num, phase=each) for num, each in enumerate(phases))
    state = run(spec(replicas=2), records=records)
    assert run_phase(state) is phase
    assert run_phase(stopped(state, NOW, abort=False)) is RunPhase.TERMINATING


@pytest.mark.parametrize(
    ("records", "ended", "message"),
    [
        ((), None, "submitted"),
        ((record(0, phase="pulling"),), None, "pulling"),
        ((READY, READY), None, "running"),
        ((READY,), None, "1/2 ready"),
        ((READY, record(1, phase="running")), None, "1/2 ready"),
        ((READY, record(1, phase="running", health="starting")), None, "1/2 ready"),
        ((READY, SICK), None, "1/2 ready; unhealthy"),
        ((SICK, SICK, exited()), None, "0/2 ready; unhealthy; exited (3)"),
        ((SICK.model_copy(update={"phase": ReplicaPhase.DRAINING}), READY), None, "1/2 ready"),
        ((READY, failed("unhealthy")), None, "1/2 ready; unhealthy"),
        ((READY, exited()), None, "1/2 ready; exited (3)"),
        ((READY, exited(), exited(2)), None, "1/2 ready; exited (3)"),
        ((READY, exited(), exited(2, 4)), None, "1/2 ready; exited (3); exited (4)"),
        ((READY, failed("no capacity")), None, "1/2 ready; no capacity"),
        ((exited(),), RunPhase.FAILED, "exited (3)"),
        ((failed("no capacity"),), RunPhase.FAILED, "no capacity"),
        ((failed("interrupted"),), RunPhase.FAILED, "interrupted"),
        ((failed("error"),), RunPhase.FAILED, "error"),
        ((failed("out of memory"),), RunPhase.FAILED, "out of memory"),
        ((record(0, phase="done"),), RunPhase.DONE, "done"),
    ],
)
def test_the_message_is_the_phase_or_the_reason(
    records: tuple[ReplicaRecord, ...], ended: RunPhase | None, message: str
) -> None:
    assert run_status(run(spec(replicas=2), records=records), ended).status_message == message


@pytest.mark.parametrize(
    ("records", "ended", "reason", "by"),
    [
        ((READY, failed("no capacity")), None, None, None),
        ((failed("no capacity"),), RunPhase.FAILED, EndReason.NO_CAPACITY, 1),
        ((failed("no capacity"), exited(4)), RunPhase.FAILED, EndReason.EXITED_WITH_ERROR, 4),
        (
            (exited(4), failed("no capacity"), record(5, phase="done")),
            RunPhase.FAILED,
            EndReason.NO_CAPACITY,
            1,
        ),
        ((record(0, phase="failed"),), RunPhase.FAILED, EndReason.ERROR, 0),
        ((), RunPhase.FAILED, EndReason.ERROR, None),
        ((record(0, phase="done"),), RunPhase.DONE, EndReason.EXITED, None),
    ],
)
def test_the_reason_of_an_end_and_who_had_it_are_data_beside_the_message(
    records: tuple[ReplicaRecord, ...],
    ended: RunPhase | None,
    reason: EndReason | None,
    by: int | None,
) -> None:
    status = run_status(run(spec(replicas=2), records=records), ended)
    assert (status.reason, status.failed_replica) == (reason, by)


@pytest.mark.parametrize(
    ("abort", "reason"), [(False, EndReason.STOPPED_BY_USER), (True, EndReason.ABORTED_BY_USER)]
)
def test_a_stop_is_a_reason_once_the_run_has_ended(abort: bool, reason: EndReason) -> None:
    state = stopped(run(spec(), records=(READY,)), NOW, abort=abort)
    assert run_status(state).reason is None
    assert run_status(state, RunPhase.TERMINATED).reason is reason


@pytest.mark.parametrize(("abort", "message"), [(False, "stopped"), (True, "aborted")])
def test_a_stopped_run_says_how(abort: bool, message: str) -> None:
    state = stopped(run(spec(), records=(READY,)), NOW, abort=abort)
    assert run_status(state).status_message == "terminating"
    assert run_status(state).desired == 0
    assert run_status(state, RunPhase.TERMINATED).status_message == message


def test_the_line_of_a_replica_tells_where_it_is_and_why_it_ended() -> None:
    records = (READY.model_copy(update={"placement": PLACE}), exited())
    status = run_status(run(spec(replicas=2, model="llama"), records=records))
    first, second = status.replicas
    assert (first.backend, first.region, first.resources) == ("local", "here", "4xCPU, 16GB")
    assert (first.price, first.ready, first.message) == (0.25, True, "")
    assert (second.backend, second.ready, second.message) == (None, False, "exited (3)")
    assert (first.reason, second.reason) == (None, EndReason.EXITED_WITH_ERROR)
    assert (status.desired, status.ready, status.incarnation) == (2, 1, LIFE)


def test_a_status_names_the_model() -> None:
    state = run(spec(model="llama"))
    published = state.model_copy(update={"route": route_table(state, NOW)})
    assert run_status(published).model == "llama"


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


SCALING = {"scaling": {"metric": "rps", "target": 10}}
LATER = NOW + timedelta(minutes=1)
AWAY = record(0, phase="draining", leave_by=LATER, address="tcp://a:1")
ENDING = record(1, phase="terminating", reason="error")
SENT_AWAY = ENDING.model_copy(update={"leave_by": LATER, "placement": PLACE})
BEFORE = Deployment(revision=0, spec=spec())


def ranged(desired: int, *records: ReplicaRecord, **scale: object) -> RunState:
    state = applied(run(), spec(replicas="0..4", **SCALING), "u1", NOW)
    assert state.scale is not None
    changed = state.scale.model_copy(update={"desired": desired, **scale})
    return state.model_copy(update={"scale": changed, "records": records})


def retried(state: RunState, num: int = 1) -> RunState:
    retrial = Retrial(num=num, event=RetryEvent.ERROR, since=NOW, attempt=1, at=LATER)
    return state.model_copy(update={"retrials": (retrial,)})


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


@pytest.mark.parametrize(
    ("state", "phase", "message"),
    [
        (ranged(0), RunPhase.PENDING, "waiting for requests"),
        (ranged(0, failed("error")), RunPhase.PENDING, "waiting for requests; error"),
        (ranged(1, failed("error")), RunPhase.PENDING, "waiting to try again; error"),
        (run(spec(replicas=0)), RunPhase.PENDING, "no replicas are wanted"),
        (
            overridden(ranged(1), ScaleRequest(replicas=0), NOW),
            RunPhase.PENDING,
            "no replicas are wanted",
        ),
        (
            retried(run(spec(), records=(failed("no capacity"),))),
            RunPhase.PENDING,
            "retrying; no capacity",
        ),
        (
            retried(run(spec(replicas=2), records=(READY, failed("error")))),
            RunPhase.RUNNING,
            "1/2 ready; retrying; error",
        ),
        (run(spec(replicas=0), elastic=False), RunPhase.SUBMITTED, "submitted"),
        (ranged(1), RunPhase.SUBMITTED, "submitted"),
        (ranged(0, record(phase="pulling")), RunPhase.PULLING, "pulling"),
    ],
)
def test_a_run_without_replicas_says_what_it_waits_for(
    state: RunState, phase: RunPhase, message: str
) -> None:
    status = run_status(state)
    assert (status.status, status.status_message) == (phase, message)


def test_a_run_that_is_updated_says_so_until_it_has_ended() -> None:
    good = Deployment(revision=1, spec=spec())
    state = run(spec(image="new"), good=good, records=(READY,)).model_copy(update={"deployment": 2})
    status = run_status(state)
    assert (status.deployment, status.updating) == (2, True)
    assert status.status_message == "running; updating"
    assert not run_status(state, RunPhase.FAILED).updating


def test_a_run_whose_update_was_undone_says_why() -> None:
    undone = Reverted(
        revision=2, at=NOW, reason="error", code="x", detail="It broke.", hint="Mend it."
    )
    told = run_status(run(spec(), reverted=undone)).reverted
    assert told is not None
    assert (told.revision, told.message) == (2, "error: It broke.")
    assert (told.code, told.hint) == ("x", "Mend it.")
    bare = run_status(run(spec(), reverted=undone.model_copy(update={"detail": ""}))).reverted
    assert bare is not None
    assert bare.message == "error"
    assert run_status(run(spec())).reverted is None


def test_a_number_set_by_hand_is_told_with_its_end() -> None:
    status = run_status(overridden(run(spec()), ScaleRequest(replicas=3, seconds=60), NOW))
    assert status.desired == 3
    assert status.override is not None
    assert status.override.until == LATER


def test_the_story_is_a_headline_and_a_table() -> None:
    records = (READY.model_copy(update={"placement": PLACE}), exited())
    story = run_story(run_status(run(spec(replicas=2), records=records))).splitlines()
    assert story[0] == "**running**: 1/2 ready; exited (3), 1/2 ready"
    assert story[-2:] == [
        "| 0 | running | yes | local/here | $0.25 |  |",
        "| 1 | failed | no | - | - | exited (3) |",
    ]
    assert run_story(run_status(run())) == "**submitted**: submitted, 0/0 ready"
