"""What an answer means: told by the answer, and by no guess."""

from datetime import timedelta

import pytest

from policy.plan import make_plan
from policy.repetition import action_of, is_left_over
from policy.transitions import applied, stopped
from spec.offer import OfferList
from spec.plan import PlanAction, PlanOrder
from spec.run import Accepted, RunState
from spec.run_spec import RunSpec
from tests.policy.making import NOW, offer, run, spec

CREATE, UPDATE, NOTHING = PlanAction.CREATE, PlanAction.UPDATE, PlanAction.NOTHING


def accepted(**values: object) -> Accepted:
    given = {"run": "web", "incarnation": "0123456789ab", "revision": 1, "replicas": 1}
    return Accepted.model_validate(given | values)


@pytest.mark.parametrize(
    ("values", "action"),
    [
        ({}, CREATE),
        ({"changed": True}, CREATE),
        ({"revision": 2}, UPDATE),
        ({"revision": 2, "changed": True}, UPDATE),
        ({"revision": 2, "changed": False}, NOTHING),
        ({"revision": 9, "changed": False}, NOTHING),
    ],
)
def test_what_applying_did_is_what_the_run_answered(
    values: dict[str, object], action: PlanAction
) -> None:
    assert action_of(accepted(**values)) is action


@pytest.mark.parametrize(
    ("values", "left_over"),
    [
        ({"sealed": "mine"}, False),
        ({"sealed": "another"}, True),
        ({"sealed": "mine", "revision": 2}, False),
        ({"sealed": "another", "revision": 2}, True),
        ({}, False),
        ({"revision": 2}, False),
    ],
)
def test_values_are_left_over_when_the_run_uses_others(
    values: dict[str, object], left_over: bool
) -> None:
    assert is_left_over("mine", accepted(**values)) is left_over


def living(*specs: RunSpec) -> RunState:
    state = run()
    for number, each in enumerate(specs):
        state = applied(state, each, f"u{number}", NOW)
    return state


@pytest.mark.parametrize(
    ("state", "asked"),
    [
        (run(), spec()),
        (living(spec()), spec()),
        (living(spec()), spec(replicas=2)),
        (living(spec(), spec(replicas=2)), spec(replicas=2)),
        (living(spec(), spec(replicas=2)), spec()),
        (living(spec()), spec(tags={"team": "search"})),
        (living(spec()), spec(setup=["true"], replicas=3)),
    ],
)
def test_applying_does_what_the_plan_has_said(state: RunState, asked: RunSpec) -> None:
    order = PlanOrder(project="main", name="web", spec=asked, current=state)
    planned = make_plan(order, OfferList(offers=(offer(),)))
    answer = applied(state, asked, "u", NOW).answers[-1].accepted
    assert action_of(answer) is planned.action


def test_the_next_life_of_a_name_is_a_new_run() -> None:
    ended = stopped(living(spec()), NOW + timedelta(seconds=1), abort=True)
    order = PlanOrder(project="main", name="web", spec=spec(), current=ended)
    planned = make_plan(order, OfferList(offers=(offer(),)))
    assert planned.action is action_of(living(spec()).answers[-1].accepted) is CREATE
