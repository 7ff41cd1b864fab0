"""A plan: what applying would do, at what price, or why not."""

from policy.plan import make_plan
from policy.transitions import applied, stopped
from spec.offer import OfferList, Refusal, RefusalKind
from spec.plan import Change, Plan, PlanAction, PlanOrder
from spec.run import RunState
from spec.run_spec import RunSpec
from tests.policy.making import NOW, offer, run, spec

FOUND = OfferList(
    offers=(offer(price=0.1), offer(price=0.3), offer(price=None)), more=2, max_price=0.7
)


def plan(
    asked: RunSpec,
    current: RunState | None = None,
    found: OfferList = FOUND,
    max_offers: int | None = None,
) -> Plan:
    order = PlanOrder(
        project="main", name="web", spec=asked, current=current, max_offers=max_offers
    )
    return make_plan(order, found)


def test_a_new_run_is_created_with_the_offers_that_were_found() -> None:
    made = plan(spec())
    assert (made.action, made.offers, made.total_offers) == (PlanAction.CREATE, FOUND.offers, 5)
    assert made.max_price == 0.7
    assert made.refusals == ()


def test_only_so_many_offers_are_shown_as_were_asked_for() -> None:
    made = plan(spec(), max_offers=1)
    assert (len(made.offers), made.total_offers, made.max_price) == (1, 5, 0.7)


def test_a_living_run_is_updated_or_left_as_it_is() -> None:
    living = applied(run(), spec(), "u1", NOW)
    assert plan(spec(), living).action is PlanAction.NOTHING
    update = plan(spec(replicas=2), living)
    assert update.action is PlanAction.UPDATE
    assert [(each.field, each.change) for each in update.changes] == [("replicas", Change.IN_PLACE)]


def test_what_replicas_are_made_of_is_updated_by_new_ones() -> None:
    made = plan(spec(image="x"), applied(run(), spec(), "u1", NOW))
    assert (made.action, made.refusals) == (PlanAction.UPDATE, ())
    assert [each.change for each in made.changes] == [Change.BY_REPLACEMENT]


def test_a_change_that_an_old_run_cannot_take_is_refused_with_what_differs() -> None:
    made = plan(spec(image="x"), applied(run(elastic=False), spec(), "u1", NOW))
    assert [each.change for each in made.changes] == [Change.BY_REPLACEMENT]
    assert [(each.kind, each.subject) for each in made.refusals] == [(RefusalKind.STATE, "web")]
    assert "perdure stop web" in made.refusals[0].hint


def test_a_stopping_run_is_planned_as_a_new_one() -> None:
    stopping = stopped(applied(run(), spec(), "u1", NOW), NOW, abort=False)
    made = plan(spec(image="x"), stopping)
    assert (made.action, made.changes, made.refusals) == (PlanAction.CREATE, (), ())


def test_without_offers_the_backends_say_why() -> None:
    nothing = OfferList(refusals=(Refusal(subject="local", message="It is full."),))
    assert plan(spec(), found=nothing).refusals == nothing.refusals
    refused = plan(spec(priority=1), found=nothing).refusals
    told = [(each.kind, each.subject) for each in refused]
    assert told == [(RefusalKind.UNSUPPORTED, "priority")]


def test_a_backend_that_refuses_does_not_hide_the_offers_of_another() -> None:
    mixed = FOUND.model_copy(update={"refusals": (Refusal(subject="x", message="Full."),)})
    assert plan(spec(), found=mixed).refusals == ()


def test_warnings_of_the_configuration_come_before_those_of_the_machines() -> None:
    found = FOUND.model_copy(update={"warnings": ("No isolation.",)})
    assert plan(spec(setup=["a"]), found=found).warnings == (
        "`setup` has no effect.",
        "No isolation.",
    )
