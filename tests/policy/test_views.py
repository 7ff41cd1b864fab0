"""What proxies and people may read of a run."""

import pytest

from policy.story import run_story
from policy.transitions import stopped
from policy.views import route_table, run_phase, run_status
from spec.replica import Placement, ReplicaRecord
from spec.route import ModelRoute
from spec.run import RunState
from spec.status import EndReason, Health, ReplicaPhase, RunPhase
from tests.policy.making import LIFE, NOW, record, run, spec

READY = record(0, phase="running", ready=True, address="tcp://10.0.0.1:80")
PLACE = Placement(
    backend="local", region="here", instance_type="local", resources="4xCPU, 16GB", price=0.25
)


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


def test_the_story_is_a_headline_and_a_table() -> None:
    records = (READY.model_copy(update={"placement": PLACE}), exited())
    story = run_story(run_status(run(spec(replicas=2), records=records))).splitlines()
    assert story[0] == "**running**: 1/2 ready; exited (3), 1/2 ready"
    assert story[-2:] == [
        "| 0 | running | yes | local/here | $0.25 |  |",
        "| 1 | failed | no | - | - | exited (3) |",
    ]
    assert run_story(run_status(run())) == "**submitted**: submitted, 0/0 ready"
