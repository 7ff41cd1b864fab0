"""How many replicas a run wants."""

from datetime import datetime, timedelta

import pytest

from policy.desired import (
    expired,
    is_blocked,
    overridden,
    unfilled,
    wanted,
    watch_order,
    watched,
    woken,
)
from policy.reconcile import reconcile
from policy.transitions import applied, observed, stopped
from spec.load import Counted, WatchMemory
from spec.pauses import Pauses
from spec.run import RunState
from spec.scale import Override, ScaleRequest, ScalingRule, Verdict, WatchReport
from tests.policy.making import LATER, LIFE, NOW, SCALING, event, record, run, spec


def ranged(replicas: str = "0..4", **changes: object) -> RunState:
    """A run with a range that was ready once; `changes` are of its scaling."""
    state = applied(run(), spec(replicas=replicas, **SCALING), "u1", NOW)
    assert state.scale is not None
    scale = state.scale.model_copy(update={"unproven": False, **changes})
    return state.model_copy(update={"scale": scale, "ready_at": NOW})


def report(state: RunState, desired: int, *, age: int = 0) -> WatchReport:
    assert state.scale is not None
    verdict = Verdict(
        desired=desired, rule=ScalingRule.UP, need=desired, highest=desired, rps=2.5, busy=1
    )
    return WatchReport(
        number=state.scale.watch - age,
        at=LATER,
        verdict=verdict,
        memory=WatchMemory(),
        in_flight={"r0": 2},
    )


def desired(state: RunState) -> int:
    assert state.scale is not None
    return state.scale.desired


@pytest.mark.parametrize(
    ("state", "count"),
    [
        (run(), 0),
        (run(spec(replicas=3)), 3),
        (ranged("2..4"), 2),
        (ranged("0..4"), 1),
        (ranged("0..4", desired=3), 3),
        (ranged().model_copy(update={"override": Override(replicas=7)}), 7),
        (stopped(run(spec(replicas=3)), NOW, abort=False), 0),
    ],
    ids=["never applied", "fixed", "the least", "at least one", "by load", "by hand", "stopping"],
)
def test_the_number_is_the_configuration_s_the_load_s_or_somebody_s(
    state: RunState, count: int
) -> None:
    assert wanted(state) == count


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [(4, "1..8", 4), (6, "1..4", 4), (1, "2..4", 2), (0, "0..4", 1)],
)
def test_a_range_begins_with_what_the_fixed_number_was(before: int, after: str, count: int) -> None:
    state = applied(run(), spec(replicas=before), "u1", NOW)
    assert desired(applied(state, spec(replicas=after, **SCALING), "u2", LATER)) == count


@pytest.mark.parametrize(("after", "count"), [("0..2", 2), ("4..6", 4), ("1..8", 3)])
def test_another_range_keeps_the_number_within_it_and_begins_another_watch(
    after: str, count: int
) -> None:
    before = ranged(desired=3, blocked_until=LATER)
    state = applied(before, spec(replicas=after, **SCALING), "u2", NOW)
    assert before.scale is not None
    assert state.scale is not None
    assert (desired(state), state.scale.watch) == (count, before.scale.watch + 1)
    assert not is_blocked(state, NOW)


def test_a_fixed_number_follows_no_load() -> None:
    state = applied(ranged(desired=3), spec(replicas=2), "u2", NOW)
    assert (state.scale, wanted(state), watch_order(state)) == (None, 2, None)


def test_a_run_from_before_follows_no_load() -> None:
    state = applied(run(elastic=False), spec(replicas="2..4", **SCALING), "u1", NOW)
    assert (state.scale, wanted(state)) == (None, 2)


def test_a_watch_is_told_what_there_is_and_what_the_one_before_it_saw() -> None:
    state = ranged(desired=3, memory=WatchMemory())
    order = watch_order(state)
    assert order is not None
    assert (order.current, order.memory, order.incarnation) == (3, WatchMemory(), LIFE)
    assert order.number == report(state, 1).number


@pytest.mark.parametrize(
    "state",
    [
        stopped(ranged(), NOW, abort=False),
        overridden(ranged(), ScaleRequest(replicas=2), NOW),
        run(spec()),
    ],
)
def test_nothing_is_watched_where_the_load_does_not_count(state: RunState) -> None:
    assert watch_order(state) is None


def test_the_load_s_number_counts_and_the_next_watch_begins() -> None:
    before = ranged()
    state = watched(before, report(before, 3), LATER)
    assert (wanted(state), watch_order(state) is not None) == (3, True)
    assert watched(state, report(before, 1), LATER) == state
    assert state.decisions[-1].outcome == "From 1 to 3 replicas: more are needed."
    assert state.decisions[-1].inputs["requests_per_second"] == "2.50"


def test_requests_in_flight_are_remembered_when_the_number_falls() -> None:
    before = ranged(desired=3)
    fallen = watched(before, report(before, 1), LATER)
    risen = watched(fallen, report(fallen, 2), LATER)
    assert fallen.scale is not None
    assert risen.scale is not None
    assert (fallen.scale.in_flight, risen.scale.in_flight) == ({"r0": 2}, {})


@pytest.mark.parametrize(
    "state",
    [
        stopped(ranged(), NOW, abort=False),
        overridden(ranged(), ScaleRequest(replicas=2), NOW),
    ],
    ids=["it stops", "somebody has set the number"],
)
def test_some_reports_change_nothing(state: RunState) -> None:
    assert watched(state, report(state, 4), LATER) == state
    older = ranged()
    assert watched(older, report(older, 4, age=1), LATER) == older


@pytest.mark.parametrize(
    ("state", "life", "count"),
    [
        (ranged(desired=0), LIFE, 1),
        (ranged(desired=0), "f" * 12, 0),
        (ranged(desired=0, blocked_until=LATER), LIFE, 0),
        (ranged(desired=0, blocked_until=NOW), LIFE, 1),
        (overridden(ranged(desired=0), ScaleRequest(replicas=0), NOW), LIFE, 0),
        (stopped(ranged(desired=0), NOW, abort=False), LIFE, 0),
        (ranged(desired=2), LIFE, 2),
        (run(spec(replicas=0)), LIFE, 0),
    ],
)
def test_a_request_wakes_a_run_that_sleeps(state: RunState, life: str, count: int) -> None:
    after = woken(state, life, NOW)
    assert wanted(after) == count
    assert (after == state) is (wanted(state) == count)


@pytest.mark.parametrize(("seconds", "until"), [(60, LATER), (None, None)])
def test_a_number_set_by_hand_holds_for_its_time(
    seconds: int | None, until: datetime | None
) -> None:
    state = overridden(run(spec()), ScaleRequest(replicas=3, seconds=seconds), NOW)
    assert state.override == Override(replicas=3, until=until)
    assert wanted(expired(state, LATER - timedelta(seconds=1))) == 3
    assert wanted(expired(state, LATER)) == (1 if until else 3)


def test_what_was_set_by_hand_counts_as_needed_when_it_is_taken_back() -> None:
    before = overridden(ranged("0..4", memory=WatchMemory()), ScaleRequest(replicas=6), NOW)
    state = overridden(before, ScaleRequest(), LATER)
    assert (state.override, wanted(state)) == (None, 4)
    assert before.scale is not None
    assert state.scale is not None
    assert (state.scale.memory, state.scale.watch) == (None, before.scale.watch + 1)
    assert overridden(state, ScaleRequest(), LATER) == state


def test_a_number_set_by_hand_frees_the_slots_whose_replica_had_ended() -> None:
    records = (record(0, phase="failed", judged=True), record(1, phase="running"))
    state = overridden(run(spec(replicas=2), records=records), ScaleRequest(replicas=0), NOW)
    assert [each.num for each in state.records] == [1]


@pytest.mark.parametrize(
    ("replicas", "living", "count"), [("0..4", 0, 0), ("0..4", 1, 3), ("1..4", 0, 3)]
)
def test_what_is_there_has_to_do_for_five_minutes_and_nothing_is_a_sleep(
    replicas: str, living: int, count: int
) -> None:
    state = unfilled(ranged(replicas, desired=3), living, NOW)
    assert wanted(state) == count
    assert is_blocked(state, NOW + timedelta(seconds=state.pauses.unfilled) - timedelta(seconds=1))
    assert not is_blocked(state, NOW + timedelta(seconds=state.pauses.unfilled))


@pytest.mark.parametrize(("seconds", "told"), [(300, "5m"), (7, "7s")])
def test_the_wait_is_told_as_it_is(seconds: int, told: str) -> None:
    state = ranged(desired=3).model_copy(update={"pauses": Pauses(unfilled=seconds)})
    (waits,) = unfilled(state, 1, NOW).decisions[-1].rejected
    assert waits.why == f"the last one ended: none is added for {told}"


def test_somebody_s_word_ends_the_wait() -> None:
    state = unfilled(ranged(desired=3), 1, NOW)
    assert not is_blocked(overridden(state, ScaleRequest(replicas=2), NOW), NOW)


def test_where_there_is_room_for_one_no_more_are_wanted_and_none_is_watched_for() -> None:
    state = ranged("0..4", desired=3).model_copy(update={"exclusive": True})
    order = watch_order(state)
    assert order is not None
    assert (wanted(state), order.asked.replicas.min, order.asked.replicas.max) == (1, 0, 1)
    assert wanted(overridden(state, ScaleRequest(replicas=2), NOW)) == 1


def test_what_arrives_at_a_run_that_slept_counts_from_when_it_wakes() -> None:
    counted = {"proxy": Counted(at=NOW, count=7)}
    state = ranged(desired=0, memory=WatchMemory(counted=counted))
    assert state.scale is not None
    scale = woken(state, LIFE, LATER).scale
    assert scale is not None
    assert scale.memory == WatchMemory(counted={"proxy": Counted(at=LATER, count=7)})
    assert scale.watch == state.scale.watch + 1


def test_what_nobody_has_seen_work_is_not_taken_away_and_its_time_begins_anew() -> None:
    state = ranged(desired=1, memory=WatchMemory(), unproven=True)
    assert state.scale is not None
    after = watched(state, report(state, 0), LATER)
    assert after.scale is not None
    assert (after.scale.desired, after.scale.watch) == (1, state.scale.watch + 1)
    assert after.scale.memory is None
    assert after.decisions == state.decisions
    assert desired(watched(ranged(desired=3, unproven=True), report(state, 1), LATER)) == 1


def is_unproven(state: RunState) -> bool:
    order = watch_order(state)
    return order is not None and order.unproven


def test_a_run_has_to_show_at_each_waking_that_it_can_serve() -> None:
    """A cold start may be longer than the window and the delay together."""
    new = reconcile(applied(run(), spec(replicas="0..4", **SCALING), "u1", NOW), NOW).state
    assert is_unproven(new)
    (first,) = new.records
    serves = observed(new, event(first.id, phase="running", ready=True), NOW)
    assert not is_unproven(serves)
    assert serves.scale is not None
    assert new.scale is not None
    assert serves.scale.watch == new.scale.watch + 1
    sleeps = reconcile(watched(serves, report(serves, 0), LATER), LATER).state
    assert wanted(sleeps) == 0
    gone = observed(sleeps, event(first.id, phase="terminated"), LATER)
    wakes = reconcile(woken(gone, LIFE, LATER), LATER).state
    assert is_unproven(wakes)
    assert wakes.ready_at == NOW
    assert wanted(watched(wakes, report(wakes, 0), LATER)) == 1
    again = observed(wakes, event(wakes.records[-1].id, phase="running", ready=True), LATER)
    assert not is_unproven(again)
    assert wanted(watched(again, report(again, 0), LATER)) == 0


@pytest.mark.parametrize(("count", "shown"), [(0, True), (2, False)])
def test_what_was_set_to_zero_by_hand_has_to_show_it_anew(count: int, shown: bool) -> None:
    state = overridden(ranged("1..4", desired=1), ScaleRequest(replicas=count), NOW)
    back = overridden(reconcile(state, NOW).state, ScaleRequest(), LATER)
    assert is_unproven(back) is shown


def test_a_range_in_place_of_a_fixed_number_that_serves_has_shown_it() -> None:
    serves = run(spec(), records=(record(0, phase="running", ready=True),))
    assert not is_unproven(applied(serves, spec(replicas="0..4", **SCALING), "u2", LATER))
