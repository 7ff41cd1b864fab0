"""A backtest: a load of the past, replayed against a rule of scaling.

1. A minimum of replicas is there and ready, and the last change was long ago. Then requests come
   as the trace has them.
2. Every tick the rule hears how many arrived and how many are busy, as it does in production.
3. A replica that is added serves after its cold start. One that is taken away drains first.
4. It ends when the trace is over and everything was served.

Docs: docs/concepts/backtest.md.
"""

import math
from collections.abc import Sequence
from itertools import count

from policy.backtest_demand import Demand, demand_of
from policy.backtest_rules import OurScaler, ReferenceScaler, Scaler
from policy.backtest_service import Service
from spec.backtest import BacktestOrder, Conditions, Outcome, RuledOutcome, RuleName, Waits
from spec.scale import ScalingSpec

PATIENCE = 86_400
"""Seconds after the trace in which what still waits must have been served."""

DECISIONS = 100_000
"""So many ticks are enough for one rule: a day has them by the second, a week by 7 seconds."""


def backtest(order: BacktestOrder) -> tuple[RuledOutcome, ...]:
    """What comes of the trace under each of the rules. All meet the same requests."""
    demand = demand_of(order.trace, order.conditions)
    ours: dict[ScalingSpec, Outcome] = {}
    found = []
    for rule, asked in order.rules:
        outcome = ours.get(asked) if rule is not RuleName.REFERENCE else None
        if outcome is None:
            scaler = scaler_of(rule, asked)
            outcome = replayed(demand, order.conditions, scaler, order.tick)
        if rule is not RuleName.REFERENCE:
            ours[asked] = outcome
        found.append(RuledOutcome(rule=rule, asked=asked, outcome=outcome))
    return tuple(found)


def scaler_of(rule: RuleName, asked: ScalingSpec) -> Scaler:
    """Who decides by this rule, beginning at the minimum."""
    warm = asked.replicas.min
    scaler = ReferenceScaler if rule is RuleName.REFERENCE else OurScaler
    return scaler(asked, warm)


def tick_of(seconds: float) -> int:
    """How often to decide, in seconds, in a trace of that length."""
    return max(1, math.ceil(seconds / DECISIONS))


def replayed(demand: Demand, conditions: Conditions, scaler: Scaler, tick: int = 1) -> Outcome:
    """What comes of the demand when this one decides every `tick` seconds."""
    service = Service(demand, conditions, scaler.current)
    arrived = ups = downs = 0
    now = 0.0
    for number in count(1):
        now = float(number * tick)
        service.advance(now)
        before = scaler.current
        desired = scaler.tick(now, service.arrived - arrived, service.busy)
        arrived = service.arrived
        if desired != before:
            ups, downs = ups + (desired > before), downs + (desired < before)
            service.scale(desired, now)
        if now >= demand.seconds and (service.is_done or now >= demand.seconds + PATIENCE):
            break
    unserved = service.unserved(now)
    hours = service.replica_seconds(now) / 3600
    return Outcome(
        replica_hours=hours,
        cost=None if conditions.price is None else hours * conditions.price,
        requests=arrived,
        unserved=unserved,
        waits=waits_of(service.waits),
        ups=ups,
        downs=downs,
        most_replicas=service.most_replicas,
    )


def waits_of(waits: Sequence[float]) -> Waits:
    """The percentiles, each a wait that some request had (nearest rank)."""
    if not waits:
        return Waits()
    ranked = sorted(waits)
    p50, p95, p99 = (ranked[math.ceil(len(ranked) * share) - 1] for share in (0.5, 0.95, 0.99))
    held = sum(wait > 0 for wait in ranked) / len(ranked)
    return Waits(p50=p50, p95=p95, p99=p99, longest=ranked[-1], share_held=held)
