"""What a run remembers of what it hears."""

from datetime import timedelta

import pytest

from policy.transitions import REMEMBERED_ANSWERS, answered, applied, observed, stopped
from spec.replica import Placement, ReplicaEvent
from spec.status import EndReason, ReplicaPhase
from tests.policy.making import LIFE, NOW, event, record, run, spec

PLACE = Placement(backend="local", region="local", instance_type="local", resources="4xCPU")


def test_the_first_apply_makes_the_first_revision() -> None:
    state = applied(run(), spec(replicas=2), "u1", NOW)
    assert (state.revision, state.spec) == (1, spec(replicas=2))
    answer = answered(state, "u1")
    assert answer is not None
    assert (answer.run, answer.incarnation, answer.revision) == ("web", LIFE, 1)
    assert answer.replicas == 2
    assert answered(state, "u2") is None


def test_so_many_answers_are_remembered_and_the_oldest_forgotten() -> None:
    state = run()
    for number in range(REMEMBERED_ANSWERS + 1):
        state = applied(state, spec(), f"u{number}", NOW)
    assert answered(state, "u0") is None
    kept = answered(state, "u1")
    assert kept is not None
    assert kept.revision == 2


def test_an_apply_frees_the_slots_whose_replica_has_ended() -> None:
    records = (record(0, phase="running"), record(1, phase="failed"), record(2, phase="draining"))
    state = applied(run(spec(), records=records), spec(), "u1", NOW)
    assert [each.num for each in state.records] == [0, 2]


def test_the_values_sealed_first_stay_in_use() -> None:
    first = applied(run(), spec().model_copy(update={"sealed": "e-1"}), "u1", NOW)
    second = applied(first, spec(replicas=2).model_copy(update={"sealed": "e-2"}), "u2", NOW)
    assert second.spec is not None
    assert (second.spec.sealed, second.spec.replicas) == ("e-1", 2)
    assert [answer.accepted.sealed for answer in second.answers] == ["e-1", "e-1"]


@pytest.mark.parametrize(
    ("asked", "abort", "seconds"), [("1m", False, 60), ("off", False, 0), ("1m", True, 0)]
)
def test_a_stop_gives_the_stop_duration_and_an_abort_nothing(
    asked: str, abort: bool, seconds: int
) -> None:
    state = stopped(run(spec(stop_duration=asked)), NOW, abort=abort)
    assert state.stop is not None
    assert (state.stop.deadline, state.stop.abort) == (NOW + timedelta(seconds=seconds), abort)


def test_the_sooner_of_two_stops_wins() -> None:
    later = NOW + timedelta(seconds=10)
    first = stopped(run(spec(stop_duration="1m")), NOW, abort=False)
    assert stopped(first, later, abort=False) == first
    aborted = stopped(first, later, abort=True)
    assert aborted.stop is not None
    assert (aborted.stop.deadline, aborted.stop.abort) == (later, True)
    assert stopped(aborted, later, abort=False) == aborted


def test_news_go_into_the_record() -> None:
    state = run(spec(), records=(record(0), record(1)))
    news = event("r1", phase="running", ready=True, address="tcp://10.0.0.1:80", placement=PLACE)
    other, heard = observed(state, news, NOW).records
    assert other == record(0)
    assert (heard.phase, heard.ready, heard.address) == ("running", True, "tcp://10.0.0.1:80")
    assert heard.placement == PLACE


def test_health_and_what_the_probes_say_go_into_the_record() -> None:
    address = "tcp://10.0.0.1:80"
    state = run(records=(record(phase="running", ready=True, address=address, health="healthy"),))
    sick = observed(
        state, event(phase="running", health="unhealthy", detail="It answered 503."), NOW
    )
    (heard,) = sick.records
    assert (heard.ready, heard.health, heard.detail) == (False, "unhealthy", "It answered 503.")
    assert heard.address == address
    well = observed(sick, event(phase="running", ready=True, health="healthy"), NOW)
    (back,) = well.records
    assert back.model_copy(update={"ready_at": None}) == state.records[0]


def test_a_replica_that_leaves_is_not_called_back_by_its_probes() -> None:
    state = run(records=(record(phase="draining", health="unhealthy"),))
    assert observed(state, event(phase="running", ready=True, health="healthy"), NOW) == state


def test_what_later_news_leave_out_is_still_known() -> None:
    state = run(records=(record(phase="running", address="tcp://a:1", placement=PLACE),))
    (heard,) = observed(state, event(phase="terminating", reason="error", detail="x"), NOW).records
    assert (heard.address, heard.placement) == ("tcp://a:1", PLACE)
    assert (heard.reason, heard.detail) == (EndReason.ERROR, "x")


@pytest.mark.parametrize(
    "news",
    [
        event("stranger", phase="failed"),
        event(phase="failed", incarnation="f" * 12),
        event(phase="pulling"),
    ],
    ids=["of a stranger", "of another life", "out of order"],
)
def test_some_news_change_nothing(news: ReplicaEvent) -> None:
    state = run(records=(record(phase="running", ready=True),))
    assert observed(state, news, NOW) == state


@pytest.mark.parametrize("final", [ReplicaPhase.FAILED, ReplicaPhase.DONE])
@pytest.mark.parametrize("late", list(ReplicaPhase))
def test_an_end_is_final(final: ReplicaPhase, late: ReplicaPhase) -> None:
    state = run(records=(record(phase=final),))
    assert observed(state, event(phase=late), NOW) == state


@pytest.mark.parametrize("final", [ReplicaPhase.TERMINATED, ReplicaPhase.ABORTED])
def test_a_replica_that_was_sent_away_is_forgotten_unless_the_run_stops(
    final: ReplicaPhase,
) -> None:
    state = run(spec(), records=(record(phase="draining"),))
    assert observed(state, event(phase=final), NOW).records == ()
    stopping = stopped(state, NOW, abort=False)
    assert [each.phase for each in observed(stopping, event(phase=final), NOW).records] == [final]
