"""What proxies and people may read of a run."""

import pytest

from policy.desired import overridden
from policy.reconcile import ReleaseReplica, reconcile
from policy.story import run_story
from policy.transitions import stopped
from policy.views import route_table, run_phase, run_status
from spec.deployment import Deployment, Reverted
from spec.replica import ReplicaRecord
from spec.run import RunState
from spec.scale import ScaleRequest
from spec.status import EndReason, ReplicaPhase, RunPhase
from tests.policy.making import (
    LATER,
    LIFE,
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


def exited(num: int = 1, code: int = 3) -> ReplicaRecord:
    return record(num, phase="failed", reason="container exited with an error", exit_code=code)


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


@pytest.mark.parametrize(
    ("abort", "reason", "ended_by", "message"),
    [
        (False, None, EndReason.STOPPED_BY_USER, "stopped"),
        (True, None, EndReason.ABORTED_BY_USER, "aborted"),
        (False, EndReason.MAX_DURATION, EndReason.MAX_DURATION, EndReason.MAX_DURATION.value),
        (True, EndReason.UTILIZATION, EndReason.UTILIZATION, EndReason.UTILIZATION.value),
    ],
)
def test_why_a_run_ends_is_the_same_for_its_replicas_and_for_people(
    abort: bool, reason: EndReason | None, ended_by: EndReason, message: str
) -> None:
    state = stopped(run(spec(), records=(READY,)), NOW, abort=abort, reason=reason)
    assert state.stop is not None
    assert state.stop.ended_by is ended_by
    (release,) = reconcile(state, NOW).actions
    assert isinstance(release, ReleaseReplica)
    assert release.order.reason is ended_by
    status = run_status(state, RunPhase.TERMINATED)
    assert (status.reason, status.status_message) == (ended_by, message)
