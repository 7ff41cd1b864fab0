"""Traces and settings of backtests, to be tried."""

from pathlib import Path

from policy.backtest import backtest
from policy.backtest_rules import reference_of
from spec.backtest import BacktestOrder, Conditions, Outcome, RuleName, Trace, TraceRow
from spec.scale import ScalingSpec
from spec.scaling import ReplicaRange, Scaling

TRACES = Path(__file__).parents[2] / "benchmarks/traces"
STEP = 10


def trace(name: str) -> Trace:
    """One of those that are kept."""
    lines = (TRACES / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]
    cells = [line.split(",") for line in lines]
    rows = tuple(TraceRow(second=int(second), requests=int(count)) for second, count in cells)
    return Trace(step=STEP, seconds=rows[-1].second + STEP, rows=rows)


def asked(low: int, high: int, **scaling: object) -> ScalingSpec:
    """A range, and a rule whose delays and window are the defaults."""
    given = {"metric": "rps", "target": 0.35, **scaling}
    within = ReplicaRange(min=low, max=high)
    return ScalingSpec(replicas=within, scaling=Scaling.model_validate(given))


def both(trace: Trace, ours: ScalingSpec, conditions: Conditions) -> tuple[Outcome, Outcome]:
    """What comes of our rule, and of the reference's."""
    reference = reference_of(ours, conditions.service_time)
    rules = ((RuleName.ASKED, ours), (RuleName.REFERENCE, reference))
    order = BacktestOrder(trace=trace, conditions=conditions, rules=rules)
    first, second = backtest(order)
    return first.outcome, second.outcome
