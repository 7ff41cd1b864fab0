"""From one deployment to the next, or back."""

import pytest

from policy.desired import overridden
from policy.reconcile import ReleaseReplica, StartReplica, Step, reconcile
from policy.rollout import is_under_way, is_updating, outdated, served, waits_for_room
from policy.transitions import applied, observed
from policy.views import run_status
from spec.decision import Rule
from spec.deployment import Deployment
from spec.replica import Placement, ReplicaRecord
from spec.run import RunState
from spec.scale import ScaleRequest
from spec.status import EndReason
from tests.policy.making import LATER, NOW, event, record, run, spec

PLACE = Placement(backend="local", region="here", instance_type="m", resources="4xCPU")
NARROW = PLACE.model_copy(update={"exclusive": True})


def heard(state: RunState, replica: str, **values: object) -> RunState:
    told = {"placement": PLACE, **values}
    return observed(state, event(replica, **told), NOW)


def ready(state: RunState, *, place: Placement = PLACE) -> Step:
    """All that were started are ready, and what follows is decided."""
    for each in state.records:
        if each.phase.is_starting:
            address = f"tcp://10.0.0.{each.num}:80"
            values = {"phase": "running", "ready": True, "address": address, "placement": place}
            state = heard(state, each.id, **values)
    return reconcile(state, NOW)


def serving(*, place: Placement = PLACE, **properties: object) -> RunState:
    """A run whose first deployment serves."""
    first = reconcile(applied(run(), spec(**properties), "u1", NOW), NOW)
    return ready(first.state, place=place).state


def updating(*, place: Placement = PLACE, **properties: object) -> Step:
    """The first step of the update of a run that serves to another image."""
    state = serving(place=place, **properties)
    return reconcile(applied(state, spec(image="new", **properties), "u2", NOW), NOW)


def newest(state: RunState) -> ReplicaRecord:
    return state.records[-1]


def started(step: Step) -> list[int]:
    return [each.record.deployment for each in step.actions if isinstance(each, StartReplica)]


def released(step: Step) -> list[EndReason]:
    return [each.order.reason for each in step.actions if isinstance(each, ReleaseReplica)]


def gone(state: RunState) -> RunState:
    """Those that leave are not there any more."""
    for each in state.records:
        if each.leave_by:
            state = heard(state, each.id, phase="terminated", reason="scaled down")
    return state


def test_a_new_one_is_ready_before_an_old_one_drains() -> None:
    step = updating(replicas=2)
    assert (started(step), released(step)) == ([2], [])
    step = ready(step.state)
    assert (started(step), released(step)) == ([2], [EndReason.REPLACED])


def test_the_deployment_is_good_when_nothing_older_is_left() -> None:
    draining = ready(updating().state).state
    assert draining.good is not None
    assert (draining.good.revision, is_updating(draining)) == (1, True)
    state = reconcile(gone(draining), NOW).state
    assert state.good is not None
    assert (state.good.revision, is_under_way(state), outdated(state)) == (2, False, ())
    assert state.decisions[-1].rule is Rule.ROLLED_OUT


def test_old_ones_that_serve_nobody_go_at_once() -> None:
    starting = reconcile(applied(run(), spec(), "u1", NOW), NOW).state
    known = heard(starting, starting.records[0].id, phase="pulling")
    step = reconcile(applied(known, spec(image="new"), "u2", NOW), NOW)
    assert (started(step), released(step)) == ([2], [EndReason.REPLACED])


@pytest.mark.parametrize("ended", [{"phase": "failed", "reason": "error"}, {"phase": "done"}])
@pytest.mark.parametrize("retry", [False, True])
def test_a_new_one_that_ends_undoes_the_update_and_says_why(
    ended: dict[str, object], retry: bool
) -> None:
    state = updating(retry=retry).state
    step = reconcile(heard(state, newest(state).id, **ended), NOW)
    assert (started(step), released(step), step.ended) == ([], [], None)
    after = step.state
    assert (after.deployment, after.revision, after.spec) == (1, 3, spec(retry=retry))
    assert after.reverted is not None
    assert (after.reverted.revision, after.decisions[-1].rule) == (2, Rule.REVERTED)
    assert [each.ready for each in after.records] == [True]
    status = run_status(after)
    assert (status.updating, status.status_message) == (False, "running")
    assert status.reverted is not None


@pytest.mark.parametrize("reason", ["no capacity", "interrupted"])
def test_what_tells_nothing_about_the_deployment_is_tried_again_first(reason: str) -> None:
    state = updating(retry=True).state
    step = reconcile(heard(state, newest(state).id, phase="failed", reason=reason), NOW)
    assert (step.state.deployment, step.state.reverted) == (2, None)
    assert step.due is not None
    assert started(reconcile(step.state, step.due)) == [2]


def test_when_it_is_undone_what_has_gone_comes_again() -> None:
    state = ready(updating(replicas=2).state).state
    failed = heard(state, newest(state).id, phase="failed", reason="error")
    step = reconcile(failed, NOW)
    assert started(step) == [1]
    step = ready(step.state)
    assert released(step) == [EndReason.REPLACED]
    after = reconcile(gone(step.state), NOW).state
    assert {each.deployment for each in after.records} == {1}
    assert not is_under_way(after)


def test_the_next_apply_forgets_that_one_was_undone() -> None:
    state = updating().state
    undone = reconcile(heard(state, newest(state).id, phase="failed"), NOW).state
    assert applied(undone, spec(), "u3", NOW).reverted is None


def test_a_failure_of_an_old_one_is_no_failure_of_the_new_deployment() -> None:
    state = updating(replicas=2).state
    step = reconcile(heard(state, state.records[0].id, phase="failed", reason="error"), NOW)
    assert (step.state.deployment, step.state.reverted) == (2, None)
    assert all(each.phase != "failed" for each in step.state.records)


def test_an_old_one_that_exits_by_itself_does_not_hold_up_the_update() -> None:
    state = updating(replicas=2).state
    step = reconcile(heard(state, state.records[0].id, phase="done"), NOW)
    step = ready(step.state)
    assert outdated(reconcile(gone(step.state), NOW).state) == ()


def test_for_a_slot_that_is_done_nothing_of_another_deployment_stays() -> None:
    good = Deployment(revision=1, spec=spec(replicas=2))
    stays = record(0, phase="running", ready=True, placement=PLACE)
    other = record(2, phase="running", ready=True, placement=PLACE, deployment=2)
    done = record(1, phase="done", judged=True)
    state = run(spec(replicas=2), good=good, records=(stays, done, other))
    assert released(reconcile(state, NOW)) == [EndReason.REPLACED]


def test_a_new_one_that_leaves_anyway_undoes_nothing() -> None:
    state = updating().state
    none = reconcile(overridden(state, ScaleRequest(replicas=0), NOW), NOW).state
    after = reconcile(heard(none, newest(none).id, phase="failed", reason="error"), NOW).state
    assert (after.deployment, after.reverted) == (2, None)


def test_where_two_cannot_run_beside_each_other_the_old_one_goes_first() -> None:
    step = updating(place=NARROW)
    assert (started(step), released(step)) == ([], [EndReason.REPLACED])
    assert step.state.route.starting
    step = reconcile(gone(step.state), NOW)
    assert started(step) == [2]
    failed = heard(step.state, newest(step.state).id, phase="failed", placement=NARROW)
    assert started(reconcile(failed, NOW)) == [1]


@pytest.mark.parametrize(
    ("going", "waits"),
    [
        (record(phase="draining", leave_by=LATER, placement=PLACE), False),
        (record(phase="draining", leave_by=LATER, placement=NARROW), True),
        (record(phase="draining", leave_by=LATER), True),
        (record(phase="failed", leave_by=LATER, placement=NARROW), False),
        (record(phase="running", placement=NARROW), False),
        (record(phase="terminating", placement=NARROW), False),
        (record(phase="terminating", placement=NARROW, deployment=7), True),
    ],
    ids=[
        "there is room",
        "there is none",
        "nobody knows yet",
        "it is gone",
        "it stays",
        "its slot is its own",
        "an older one that ends by itself",
    ],
)
def test_what_goes_is_waited_for_where_there_may_be_no_room_for_two(
    going: ReplicaRecord, waits: bool
) -> None:
    assert waits_for_room(run(spec(), records=(going,))) is waits


def test_a_run_from_before_waits_only_where_there_is_no_room() -> None:
    away = record(phase="draining", leave_by=LATER)
    assert not waits_for_room(run(spec(), elastic=False, records=(away,)))


def test_what_served_before_an_apply_was_good_though_nobody_had_noticed() -> None:
    first = reconcile(applied(run(), spec(), "u1", NOW), NOW).state
    state = heard(first, newest(first).id, phase="running", ready=True, address="tcp://a:1")
    assert state.good is None
    after = applied(state, spec(image="new"), "u2", NOW)
    assert after.good is not None
    assert after.good.revision == 1


def test_a_change_in_place_is_part_of_what_is_good() -> None:
    state = applied(serving(), spec(auth=False), "u2", NOW)
    assert (state.deployment, state.revision) == (1, 2)
    assert state.good is not None
    assert state.good.spec == spec(auth=False)


def test_a_run_that_sleeps_is_not_updating() -> None:
    state = overridden(serving(), ScaleRequest(replicas=0), NOW)
    asleep = reconcile(gone(reconcile(state, NOW).state), NOW).state
    after = reconcile(applied(asleep, spec(image="new"), "u2", NOW), NOW).state
    assert (is_under_way(after), is_updating(after)) == (True, False)
    assert served(after, NOW) == after


def test_a_run_from_before_has_no_deployments() -> None:
    state = applied(run(elastic=False), spec(), "u1", NOW)
    after = applied(state, spec(image="new"), "u2", NOW)
    assert (after.deployment, is_under_way(after), outdated(after)) == (0, False, ())


def test_what_serves_is_applied_again_and_its_replicas_stay() -> None:
    step = updating()
    back = reconcile(applied(step.state, spec(), "u3", NOW), NOW)
    assert (back.state.revision, back.state.deployment) == (3, 1)
    assert (started(back), released(back)) == ([], [EndReason.REPLACED])
    assert not is_updating(gone(back.state))
