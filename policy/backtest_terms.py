"""The terms of a backtest: which rules are replayed, and what replicas and requests are like."""

from collections.abc import Iterable

from perdure.errors import InvalidInput
from policy.backtest_rules import reference_of
from spec.backtest import LONGEST, QUICKEST, Conditions, Given, RuleName, Source
from spec.replica import ReplicaRecord
from spec.run import RunState
from spec.scale import ScalingSpec
from spec.scaling import Scaling, ScalingMetric
from spec.service import ServiceConfiguration

MAX_REPLICAS = 10_000

Rules = tuple[tuple[RuleName, ScalingSpec], ...]


def own_rules(asked: ServiceConfiguration, state: RunState | None) -> Rules:
    """The settings asked, and those in force where the run lives. Raises `InvalidInput`."""
    rules = [(RuleName.ASKED, _scaling(asked))]
    if state is not None and state.spec is not None:
        rules.append((RuleName.IN_FORCE, _scaling(state.spec.configuration)))
    for _, each in rules:
        if each.replicas.max > MAX_REPLICAS:
            raise InvalidInput(
                f"A backtest has at most {MAX_REPLICAS:,} replicas.",
                hint="Write less into `replicas`.",
            )
    return tuple(rules)


def with_reference(rules: Rules, conditions: Conditions) -> Rules:
    """These, and the reference's rule with the settings of the first."""
    reference = reference_of(rules[0][1], conditions.service_time)
    return (*rules, (RuleName.REFERENCE, reference))


def measured(state: RunState | None, service_time: float | None) -> Given:
    """What is known of a run, as far as a backtest can follow it."""
    return Given(
        cold_start=_within(0, state.route.cold_start) if state else None,
        service_time=_within(QUICKEST, service_time),
        price=price_of(state.records) if state else None,
    )


def price_of(records: Iterable[ReplicaRecord]) -> float | None:
    """What a replica of the run costs, in USD per hour: the most that one of them does."""
    places = (record.placement for record in records)
    prices = [place.price for place in places if place is not None and place.price is not None]
    return max(prices, default=None)


def cheapest(prices: Iterable[float | None]) -> float | None:
    """The price of the best offer that has one; offers come best first."""
    return next((price for price in prices if price is not None), None)


def conditions_of(
    given: Given, measured: Given, offered: Given
) -> tuple[Conditions, dict[str, Source]]:
    """What was given, else measured, else offered, else what is usual; and which is which."""
    found: dict[str, float] = {}
    sources = dict.fromkeys(Conditions.model_fields, Source.ASSUMED)
    layers = ((Source.OFFERED, offered), (Source.MEASURED, measured), (Source.GIVEN, given))
    for source, layer in layers:
        known = {name: value for name, value in layer if value is not None}
        found |= known
        sources |= dict.fromkeys(known, source)
    return Conditions.model_validate(found), sources


def _within(least: float, seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, least), LONGEST)


def _scaling(configuration: ServiceConfiguration) -> ScalingSpec:
    """Where the number is fixed, nothing decides: then any rule will do."""
    scaling = configuration.scaling or Scaling(metric=ScalingMetric.RPS, target=1)
    return ScalingSpec(replicas=configuration.replicas, scaling=scaling)
