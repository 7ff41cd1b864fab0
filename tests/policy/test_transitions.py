"""What a run remembers of what it hears."""

from datetime import datetime, timedelta

import pytest

from policy.decisions import kept, noted
from policy.transitions import (
    REMEMBERED_ANSWERS,
    answered,
    applied,
    envelopes,
    observed,
    stopped,
)
from spec.decision import Rule
from spec.replica import Placement, ReplicaEvent
from spec.retrial import Retrial
from spec.retry import RetryEvent
from spec.run_spec import RunSpec
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


def sealed(name: str, **properties: object) -> RunSpec:
    return spec(**properties).model_copy(update={"sealed": name})


def test_each_deployment_uses_the_values_that_came_with_it() -> None:
    state = applied(run(), sealed("e-1"), "u1", NOW)
    state = applied(state, sealed("e-2", replicas=2), "u2", NOW)
    state = applied(state, sealed("e-3", image="new"), "u3", NOW)
    assert [each.accepted.sealed for each in state.answers] == ["e-1", "e-1", "e-3"]
    assert (state.deployment, envelopes(state)) == (3, ("e-1", "e-3"))


def test_an_old_run_uses_the_values_sealed_first_whatever_changes() -> None:
    state = applied(run(elastic=False), sealed("e-1"), "u1", NOW)
    state = applied(state, sealed("e-2", image="new"), "u2", NOW)
    assert [each.accepted.sealed for each in state.answers] == ["e-1", "e-1"]
    assert envelopes(state) == ("e-1",)


def test_the_envelope_of_a_run_that_did_not_count_them_is_known() -> None:
    assert envelopes(run(sealed("e-1"))) == ("e-1",)
    assert envelopes(run(spec())) == envelopes(run()) == ()


def test_a_change_is_told_with_how_it_is_done_and_none_is_not_told() -> None:
    state = applied(run(), spec(), "u1", NOW)
    state = applied(state, spec(), "u2", NOW)
    state = applied(state, spec(replicas=2), "u3", NOW)
    state = applied(state, spec(replicas=2, image="new"), "u4", NOW)
    assert [each.accepted.changed for each in state.answers] == [True, False, True, True]
    assert [(each.number, each.outcome) for each in state.decisions] == [
        (1, "Revision 1 was applied."),
        (2, "Revision 3 was applied, with the replicas that there are."),
        (3, "Revision 4 was applied."),
    ]
    assert state.decisions[-1].inputs == {"image": "by new replicas"}


def test_an_apply_and_a_stop_forget_what_was_to_be_tried_again() -> None:
    retrial = Retrial(num=0, event=RetryEvent.ERROR, since=NOW, attempt=1, at=NOW)
    state = run(spec(), retrials=(retrial,), records=(record(phase="failed"),))
    assert applied(state, spec(), "u1", NOW).retrials == ()
    assert stopped(state, NOW, abort=False).retrials == ()


def test_decisions_are_numbered_on_and_forgotten_once_they_are_kept() -> None:
    state = noted(run(spec()), NOW, Rule.SCALED, "One.", {"known": 1, "unknown": None})
    state = noted(state, NOW, Rule.SCALED, "Two.")
    assert [each.number for each in state.decisions] == [1, 2]
    assert state.decisions[0].inputs == {"known": "1"}
    state = noted(kept(state, 1), NOW, Rule.SCALED, "Three.")
    assert [each.number for each in state.decisions] == [2, 3]
    assert (kept(state, 3).decisions, kept(state, 3).decided) == ((), 3)


def test_an_old_run_notes_nothing() -> None:
    state = run(spec(), elastic=False)
    assert noted(state, NOW, Rule.SCALED, "One.") == state


@pytest.mark.parametrize(("elastic", "since"), [(True, NOW), (False, None)])
def test_when_a_replica_was_ready_first_is_remembered(
    elastic: bool, since: datetime | None
) -> None:
    state = run(spec(), elastic=elastic, records=(record(phase="running"),))
    later = NOW + timedelta(seconds=5)
    unready = observed(state, event(phase="running"), NOW)
    assert (unready.ready_at, unready.records[0].ready_at) == (None, None)
    state = observed(state, event(phase="running", ready=True, address="tcp://a:1"), NOW)
    state = observed(state, event(phase="running"), later)
    state = observed(state, event(phase="running", ready=True), later)
    assert (state.ready_at, state.records[0].ready_at) == (since, since)


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
