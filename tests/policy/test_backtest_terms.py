"""The terms of a backtest: whose price counts, which condition, what a fixed number means."""

import pytest

from perdure.errors import InvalidInput
from policy.backtest_terms import (
    cheapest,
    conditions_of,
    measured,
    own_rules,
    price_of,
    with_reference,
)
from spec.backtest import Conditions, Given, RuleName, Source
from spec.replica import Placement, ReplicaRecord
from spec.route import RouteTable
from tests.policy.making import record, run, service, spec


def priced(price: float | None) -> ReplicaRecord:
    return record(
        placement=Placement(
            backend="local", region="here", instance_type="this", resources="", price=price
        )
    )


def test_what_was_given_comes_before_what_was_measured_and_that_before_what_is_offered() -> None:
    conditions, sources = conditions_of(
        Given(slots=2),
        Given(slots=3, cold_start=7, price=1.5),
        Given(price=9, service_time=4),
    )
    assert conditions == Conditions(slots=2, cold_start=7, price=1.5, service_time=4)
    assert sources == {
        "slots": Source.GIVEN,
        "cold_start": Source.MEASURED,
        "service_time": Source.OFFERED,
        "spread": Source.ASSUMED,
        "price": Source.MEASURED,
    }


def test_what_is_given_as_zero_counts() -> None:
    conditions, sources = conditions_of(Given(price=0), Given(price=2), Given())
    assert (conditions.price, sources["price"]) == (0, Source.GIVEN)


@pytest.mark.parametrize(
    ("prices", "price"),
    [([], None), ([None], None), ([1.0, None, 3.0], 3.0), ([0.0], 0.0)],
)
def test_the_price_of_a_run_is_that_of_its_dearest_replica(
    prices: list[float | None], price: float | None
) -> None:
    assert price_of([record(), *map(priced, prices)]) == price


def test_the_price_of_offers_is_the_first_that_is_known() -> None:
    assert cheapest([None, 0.2, 0.1]) == 0.2
    assert cheapest([None]) is None


def test_of_a_name_without_a_run_only_its_load_may_be_known() -> None:
    assert measured(None, 3) == Given(service_time=3)
    assert measured(None, None) == Given()


@pytest.mark.parametrize(("told", "counts"), [(0.0001, 0.001), (1e6, 86_400)])
def test_what_was_measured_beyond_what_can_be_followed_counts_as_the_bound(
    told: float, counts: float
) -> None:
    state = run(spec())
    route = RouteTable(project="main", run="web", cold_start=1e6)
    found = measured(state.model_copy(update={"route": route}), told)
    assert (found.service_time, found.cold_start) == (counts, 86_400)


def test_a_fixed_number_stays_whatever_the_rule() -> None:
    ((name, scaling),) = own_rules(service(replicas=3), None)
    assert (name, scaling.replicas.min, scaling.replicas.max) == (RuleName.ASKED, 3, 3)


def test_the_settings_in_force_are_replayed_where_the_run_lives() -> None:
    rules = own_rules(service(replicas=3), run(spec(replicas=2)))
    assert [name for name, _ in rules] == [RuleName.ASKED, RuleName.IN_FORCE]
    assert rules[1][1].replicas.max == 2
    assert with_reference(rules, Conditions())[-1][0] is RuleName.REFERENCE


def test_more_replicas_than_can_be_followed_are_refused() -> None:
    many = service(replicas="1..20000", scaling={"metric": "rps", "target": 1})
    with pytest.raises(InvalidInput, match="at most 10,000 replicas"):
        own_rules(many, None)
