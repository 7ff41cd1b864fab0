"""What is refused, and what is only told."""

from datetime import timedelta
from typing import Any

import pytest

from perdure.errors import NotInPlace, PerdureError, PlanChanged, Refused, RunStopping
from policy import admission, properties
from policy.admission import apply_refusal, check_value, refusals, scale_refusal, warnings
from policy.plan import make_plan
from policy.transitions import applied, stopped
from spec.offer import OfferList
from spec.plan import PlanOrder
from spec.replica import Placement
from spec.run import ApplyRequest, RunState
from spec.run_spec import RunSpec
from spec.scale import ScaleRequest
from tests.policy.making import NOW, offer, run, service, spec

NOT_BUILT: dict[str, dict[str, Any]] = {
    "groups": {"commands": [], "groups": [{"commands": ["serve"]}]},
    "rate_limits": {"rate_limits": [{"rps": 1}]},
    "gateway": {"gateway": "front"},
    "https: true": {"https": True},
    "model with `format: tgi`": {"model": {"name": "m", "format": "tgi"}},
    "docker: true": {"docker": True},
    "network volumes": {"volumes": ["data:/data"]},
    "files": {"files": ["a.txt"]},
    "repos": {"repos": ["."]},
    "dstack: true": {"dstack": True},
    "priority": {"priority": 1},
    "reservation": {"reservation": "r-1"},
    "creation_policy: reuse": {"creation_policy": "reuse"},
    "startup_order": {"startup_order": "master-first"},
    "stop_criteria": {"stop_criteria": "master-done"},
    "fleets": {"fleets": ["mine"]},
    "instances": {"instances": ["box-1"]},
    "backend_options": {"backend_options": {"aws": {"a": 1}}},
}


def test_every_entry_of_the_table_has_an_example_here() -> None:
    assert list(NOT_BUILT) == [name for _, name, _ in properties.NOT_BUILT]


@pytest.mark.parametrize("name", NOT_BUILT)
def test_what_is_not_built_is_refused_by_name_and_by_nothing_else(name: str) -> None:
    (refusal,) = refusals(service(**NOT_BUILT[name]))
    assert (refusal.subject, refusal.message) == (name, f"`{name}` is not supported yet.")
    assert refusal.hint


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"gateway": False, "https": False, "probes": [], "rate_limits": [], "retry": False},
        {"volumes": ["/host:/data"], "model": "llama", "max_duration": "off", "fleets": []},
        {"retry": True, "max_duration": "1h", "stop_duration": "1m", "max_price": 1},
    ],
)
def test_what_is_built_or_switched_off_is_not_refused(properties: dict[str, Any]) -> None:
    assert refusals(service(**properties)) == ()


@pytest.mark.parametrize(
    ("replicas", "is_refused"),
    [(100, False), (101, True), (10**6, True), ("1..1000", True), ("101..1000", True)],
)
def test_a_run_has_a_bounded_number_of_replicas(replicas: int | str, is_refused: bool) -> None:
    scaling = {"scaling": {"metric": "rps", "target": 1}} if isinstance(replicas, str) else {}
    found = refusals(spec(replicas=replicas, **scaling).configuration)
    about_number = [each for each in found if each.hint == "The most are 100."]
    assert bool(about_number) is is_refused


def test_all_refusals_are_told_at_once() -> None:
    found = refusals(service(files=["a.txt"], priority=3, backends=["aws"]))
    assert [each.subject for each in found] == ["files", "priority", "backends"]


@pytest.mark.parametrize(
    ("backends", "message"),
    [
        (["aws"], "The backend `aws` is not supported yet."),
        (["aws", "gcp"], "The backends `aws`, `gcp` are not supported yet."),
    ],
)
def test_backends_that_are_all_absent_are_refused(backends: list[str], message: str) -> None:
    (refusal,) = refusals(service(backends=backends))
    assert refusal.message == message
    assert refusal.hint == "This server has the backend `local`."


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, ()),
        ({"replicas": 3}, ()),
        ({"home_dir": "/root", "setup": []}, ()),
        ({"replicas": "2..4", "scaling": {"metric": "rps", "target": 1}}, ()),
        (
            {"backends": ["local", "aws"]},
            ("The backend `aws` is not supported yet, and left out.",),
        ),
        (
            {"home_dir": "/home/app", "setup": ["a"], "single_branch": True},
            (
                "`home_dir` has no effect.",
                "`setup` has no effect.",
                "`single_branch` has no effect.",
            ),
        ),
        (
            {"idle_duration": "1h", "tags": {"team": "search"}},
            ("`idle_duration` has no effect.", "`tags` has no effect."),
        ),
        ({"idle_duration": "5m", "tags": {}}, ()),
    ],
)
def test_what_will_be_different_is_told(
    properties: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert warnings(service(**properties)) == expected


def living(*, elastic: bool = True) -> RunState:
    return applied(run(elastic=elastic), spec(), "u1", NOW)


@pytest.mark.parametrize(
    ("state", "asked", "check", "error"),
    [
        (run(), spec(), None, None),
        (run(), spec(), admission.NEW, None),
        (run(), spec(priority=1), None, Refused),
        (run(), spec(), "0123456789ab.1", PlanChanged),
        (living(), spec(), None, None),
        (living(), spec(replicas=4), "0123456789ab.1", None),
        (living(), spec(replicas=4), admission.NEW, PlanChanged),
        (living(), spec(image="other"), None, None),
        (living(), spec(image="other"), admission.NEW, PlanChanged),
        (living(), spec(tags={"team": "search"}, idle_duration="off"), None, None),
        (living(), spec(image="other", priority=1), None, Refused),
        (stopped(living(), NOW, abort=False), spec(), None, RunStopping),
    ],
)
def test_an_apply_is_accepted_or_refused_by_its_error(
    state: RunState, asked: RunSpec, check: str | None, error: type[PerdureError] | None
) -> None:
    found = apply_refusal(state, ApplyRequest(spec=asked, check=check))
    assert error is None if found is None else type(found) is error


def test_a_run_whose_replicas_all_ended_takes_no_more() -> None:
    found = apply_refusal(living(), ApplyRequest(spec=spec()), closing=True)
    assert isinstance(found, RunStopping)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (spec(), None),
        (spec(replicas=4), None),
        (spec(tags={"team": "search"}), None),
        (spec(image="other"), NotInPlace),
        (spec(retry=True), NotInPlace),
        (spec(stop_duration="1m"), NotInPlace),
        (spec(image="other", priority=1), Refused),
    ],
)
def test_a_run_that_began_before_replicas_came_by_turns_changes_only_their_number(
    asked: RunSpec, error: type[PerdureError] | None
) -> None:
    found = apply_refusal(living(elastic=False), ApplyRequest(spec=asked))
    assert error is None if found is None else type(found) is error


def test_what_such_a_run_cannot_change_is_told_with_what_to_do() -> None:
    asked = spec(image="x", port=1, replicas=2)
    found = apply_refusal(living(elastic=False), ApplyRequest(spec=asked))
    assert isinstance(found, NotInPlace)
    assert "`port`, `image` cannot be changed" in found.message
    assert found.hint == "Stop it first: `perdure stop web`."


PLACE = Placement(
    backend="local", region="here", instance_type="local", resources="4xCPU", exclusive=True
)


@pytest.mark.parametrize(
    ("state", "replicas", "error"),
    [
        (living(), 100, None),
        (living(), 101, Refused),
        (living(), None, None),
        (living(), 0, None),
        (living().model_copy(update={"exclusive": True}), 1, None),
        (living().model_copy(update={"exclusive": True}), 2, Refused),
        (living(elastic=False), 1, NotInPlace),
        (run(), 1, RunStopping),
        (stopped(living(), NOW, abort=False), 1, RunStopping),
    ],
)
def test_a_number_set_by_hand_is_accepted_or_refused_by_its_error(
    state: RunState, replicas: int | None, error: type[PerdureError] | None
) -> None:
    found = scale_refusal(state, ScaleRequest(replicas=replicas))
    assert error is None if found is None else type(found) is error


def test_where_replicas_share_a_port_the_refusal_of_a_second_one_says_so() -> None:
    state = living().model_copy(update={"exclusive": True})
    found = scale_refusal(state, ScaleRequest(replicas=2))
    assert found is not None
    assert "the same port" in found.message
    assert found.hint == "The most are 1."


def test_a_run_whose_replicas_all_ended_takes_no_number() -> None:
    found = scale_refusal(living(), ScaleRequest(replicas=1), closing=True)
    assert isinstance(found, RunStopping)


def test_the_check_value_changes_with_every_revision_and_life() -> None:
    first = living()
    second = applied(first, spec(replicas=2), "u2", NOW)
    other_life = first.model_copy(update={"incarnation": "f" * 12})
    values = {check_value(each) for each in (None, first, second, other_life)}
    assert len(values) == 4
    ending = stopped(first, NOW + timedelta(seconds=1), abort=True)
    assert check_value(ending) == check_value(None) == check_value(run())


@pytest.mark.parametrize("name", NOT_BUILT)
def test_plan_and_apply_refuse_alike(name: str) -> None:
    asked = spec(**NOT_BUILT[name])
    plan = make_plan(
        PlanOrder(project="main", name="web", spec=asked), OfferList(offers=(offer(),))
    )
    error = apply_refusal(run(), ApplyRequest(spec=asked, check=plan.check))
    assert error is not None
    assert [each.message for each in plan.refusals] == [error.message]


def test_a_schedule_that_names_no_time_is_refused() -> None:
    (found,) = refusals(service(schedule={"cron": ["0 8 * * *", "0 8 30 2 *"]}))
    assert (found.subject, found.message) == ("schedule", "`0 8 30 2 *` names no time.")
