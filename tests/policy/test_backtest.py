"""A backtest replays a load against a rule, by docs/concepts/backtest.md."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.traces.generate import TRACES as GENERATED
from benchmarks.traces.generate import table
from policy.backtest import backtest, replayed, scaler_of, tick_of, waits_of
from policy.backtest_demand import Demand, demand_of
from policy.backtest_rules import OurScaler, ReferenceScaler, reference_of
from policy.backtest_service import Service
from spec.backtest import BacktestOrder, Conditions, Outcome, RuleName, Trace, TraceRow
from spec.scale import ScalingSpec
from spec.scaling import ScalingMetric
from tests.policy.backtesting import TRACES, asked, both, trace

TARGET = 0.35
"""Per second: seven of eight slots are taken, at 20 s a request."""

CONDITIONS = Conditions(slots=8, cold_start=120, service_time=20, price=2.0)


def demand(*arrivals: float, takes: float = 10.0, seconds: float | None = None) -> Demand:
    times = (takes,) * len(arrivals)
    return Demand(tuple(arrivals), times, seconds or max(arrivals, default=0) + 1)


def conditions(slots: int = 1, cold_start: float = 60, price: float | None = 1.0) -> Conditions:
    return Conditions(slots=slots, cold_start=cold_start, price=price)


def ours(given: Demand, spec: ScalingSpec, terms: Conditions) -> Outcome:
    return replayed(given, terms, scaler_of(RuleName.ASKED, spec))


@pytest.mark.parametrize("name", GENERATED)
def test_the_traces_are_what_their_generator_makes(name: str) -> None:
    assert (TRACES / f"{name}.csv").read_text(encoding="utf-8") == table(name)


def test_on_a_smooth_day_the_p99_wait_is_a_third_of_the_references_at_most_for_a_tenth_more() -> (
    None
):
    mine, reference = both(trace("smooth"), asked(1, 30, target=TARGET), CONDITIONS)
    assert reference.waits.p99 > 10
    assert mine.waits.p99 * 3 <= reference.waits.p99
    assert mine.cost is not None
    assert reference.cost is not None
    assert mine.cost <= 1.1 * reference.cost
    assert mine.unserved == reference.unserved == 0


def test_in_bursts_nobody_waits_for_longer_than_a_cold_start_and_a_little() -> None:
    mine, reference = both(trace("bursty"), asked(1, 30, target=TARGET), CONDITIONS)
    assert mine.waits.p99 <= CONDITIONS.cold_start + 5
    assert reference.waits.p99 > 2 * CONDITIONS.cold_start


def test_a_request_that_finds_a_free_slot_does_not_wait() -> None:
    outcome = ours(demand(1, 2, 3), asked(1, 1), conditions(slots=3))
    assert outcome.waits.longest == 0
    assert outcome.waits.share_held == 0


def test_requests_are_served_in_the_order_in_which_they_came() -> None:
    service = Service(demand(1, 2, 3), conditions(slots=1), warm=1)
    service.advance(100)
    assert service.waits == [0, 9, 18]
    assert service.is_done


def test_a_replica_serves_after_its_cold_start_and_costs_from_its_start() -> None:
    spec = asked(0, 1, scale_down_delay=0, window=30)
    outcome = ours(demand(0.5, takes=10), spec, conditions(cold_start=60))
    # It is started in second 1, is ready in 61, and its request has ended in 71.
    assert outcome.waits.longest == 60.5
    assert outcome.replica_hours == pytest.approx(70 / 3600)
    assert (outcome.ups, outcome.downs) == (1, 1)


def test_what_is_taken_away_drains_first_and_costs_until_then() -> None:
    service = Service(demand(1, takes=100), conditions(slots=4), warm=2)
    service.advance(2)
    service.scale(1, 2)  # the idle one
    service.scale(0, 2)
    service.advance(200)
    assert service.replica_seconds(200) == 2 + 101
    assert service.is_done


def test_taken_away_first_is_what_is_not_ready() -> None:
    service = Service(demand(1, takes=100), conditions(cold_start=60), warm=1)
    service.advance(2)
    service.scale(2, 2)
    service.advance(3)
    service.scale(1, 3)
    service.advance(200)
    assert service.replica_seconds(200) == 200 + 1


def test_what_drains_takes_no_new_request() -> None:
    service = Service(demand(1, 5, takes=100), conditions(slots=4, cold_start=10), warm=1)
    service.advance(2)
    service.scale(0, 2)
    service.scale(1, 3)
    service.advance(50)
    assert service.waits[1] == 8


def test_what_is_never_served_is_told() -> None:
    outcome = ours(demand(1), asked(0, 0), conditions())
    assert outcome.unserved == 1
    assert outcome.waits.longest > 86_000


def test_without_requests_there_is_nothing_but_the_minimum() -> None:
    outcome = ours(demand(seconds=3600), asked(2, 4), conditions())
    assert outcome.cost == outcome.replica_hours == 2
    assert outcome.waits == waits_of(())


def test_without_a_price_there_is_no_cost() -> None:
    assert ours(demand(1), asked(1, 1), conditions(price=None)).cost is None


def test_a_percentile_is_a_wait_that_somebody_had() -> None:
    waits = waits_of([float(wait) for wait in range(100, 0, -1)])
    assert (waits.p50, waits.p95, waits.p99, waits.longest) == (50, 95, 99, 100)


def test_the_same_trace_has_the_same_requests_each_time() -> None:
    given = trace("bursty")
    first, second = (demand_of(given, CONDITIONS) for _ in range(2))
    assert first == second
    assert demand_of(given, CONDITIONS, seed=1) != first
    assert len(first.arrivals) == given.requests
    assert list(first.arrivals) == sorted(first.arrivals)


def test_service_times_have_their_mean() -> None:
    times = demand_of(trace("smooth"), CONDITIONS).service_times
    assert sum(times) / len(times) == pytest.approx(CONDITIONS.service_time, rel=0.01)
    even = Conditions(service_time=7, spread=0)
    times = demand_of(trace("bursty"), even).service_times
    assert min(times) == max(times) == pytest.approx(7)


def test_a_day_is_decided_by_the_second_and_what_is_longer_by_more() -> None:
    assert tick_of(86_400) == 1
    assert tick_of(7 * 86_400) == 7


def test_the_references_rule_waits_since_the_last_change_up_and_down() -> None:
    scaler = ReferenceScaler(reference_of(asked(0, 9, target=1), 20), current=0)
    counted = [(1, 60), (2, 60), (300, 0), (301, 240), (310, 0), (900, 0), (901, 0)]
    found = [scaler.tick(now, arrived, busy=0) for now, arrived in counted]
    assert found == [1, 1, 1, 4, 4, 4, 0]


def test_so_many_in_flight_are_as_many_a_second_as_end_for_the_reference() -> None:
    spec = asked(1, 4, metric=ScalingMetric.IN_FLIGHT, target=8)
    assert reference_of(spec, 20).scaling.target == 0.4


@pytest.mark.parametrize(
    ("step", "seconds", "rows"),
    [
        (10, 60, [(0, 1), (5, 1)]),
        (10, 60, [(20, 1), (0, 1)]),
        (10, 15, [(10, 1)]),
        (10, 60, [(0, 2_000_000), (10, 2_000_000)]),
    ],
)
def test_a_trace_is_in_order_and_of_bounded_size(
    step: int, seconds: int, rows: list[tuple[int, int]]
) -> None:
    given = [{"second": second, "requests": requests} for second, requests in rows]
    with pytest.raises(ValidationError):
        Trace.model_validate({"step": step, "seconds": seconds, "rows": given})


moments = st.lists(st.floats(0, 900, allow_nan=False), max_size=40).map(sorted)
takes = st.floats(0.5, 90)


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    arrivals = draw(moments)
    times = draw(st.lists(takes, min_size=len(arrivals), max_size=len(arrivals)))
    return Demand(tuple(arrivals), tuple(times), 900.0)


specs = st.builds(
    lambda low, more, metric, target, up, down, window: asked(
        low,
        low + more,
        metric=metric,
        target=target,
        scale_up_delay=up,
        scale_down_delay=down,
        window=window,
    ),
    st.integers(0, 2),
    st.integers(1, 4),
    st.sampled_from(ScalingMetric),
    st.sampled_from([0.02, 0.1, 1.0, 3.0]),
    st.sampled_from([0, 20, 120]),
    st.sampled_from([0, 30, 200]),
    st.sampled_from([30, 60]),
)
terms = st.builds(conditions, st.integers(1, 3), st.sampled_from([0.0, 5.0, 60.0]), st.just(2.0))


@given(demands(), specs, terms)
def test_no_request_is_lost_and_none_waits_less_than_nothing(
    given: Demand, spec: ScalingSpec, terms: Conditions
) -> None:
    outcome = ours(given, spec, terms)
    waits = outcome.waits
    assert outcome.requests == len(given.arrivals)
    assert outcome.unserved == 0
    assert 0 <= waits.p50 <= waits.p95 <= waits.p99 <= waits.longest
    assert 0 <= waits.share_held <= 1
    assert outcome.most_replicas <= spec.replicas.max


@given(demands(), specs, terms)
def test_the_cost_is_the_price_of_the_hours(
    given: Demand, spec: ScalingSpec, terms: Conditions
) -> None:
    outcome = ours(given, spec, terms)
    assert outcome.cost == pytest.approx(2.0 * outcome.replica_hours)
    work = sum(given.service_times) / terms.slots / 3600
    assert outcome.replica_hours >= max(work, spec.replicas.min * given.seconds / 3600) - 1e-9


@given(demands(), st.integers(1, 4), st.integers(1, 3))
def test_with_more_replicas_nobody_waits_longer(given: Demand, count: int, slots: int) -> None:
    few, more = (Service(given, conditions(slots), warm) for warm in (count, count + 1))
    for service in (few, more):
        service.advance(1e9)
    assert all(less <= wait + 1e-6 for less, wait in zip(more.waits, few.waits, strict=True))


@settings(max_examples=200)
@given(demands(), specs, terms)
def test_leaving_out_quiet_ticks_changes_no_decision(
    given: Demand, spec: ScalingSpec, terms: Conditions
) -> None:
    quick = OurScaler(spec, spec.replicas.min)
    thorough = OurScaler(spec, spec.replicas.min, patient=False)
    decided = [Decided(scaler) for scaler in (quick, thorough)]
    outcomes = [replayed(given, terms, scaler) for scaler in decided]
    assert outcomes[0] == outcomes[1]
    assert decided[0].changes == decided[1].changes


class Decided:
    """A scaler that remembers what it said, and when."""

    def __init__(self, scaler: OurScaler) -> None:
        self._scaler = scaler
        self.changes: list[tuple[float, int]] = []

    @property
    def current(self) -> int:
        return self._scaler.current

    def tick(self, now: float, arrived: int, busy: int) -> int:
        before = self._scaler.current
        desired = self._scaler.tick(now, arrived, busy)
        if desired != before:
            self.changes.append((now, desired))
        return desired


def test_each_rule_of_an_order_is_replayed_with_its_settings() -> None:
    rows = tuple(TraceRow(second=second, requests=3) for second in range(0, 600, 10))
    order = BacktestOrder(
        trace=Trace(step=10, seconds=600, rows=rows),
        conditions=conditions(slots=4),
        rules=((RuleName.ASKED, asked(1, 1)), (RuleName.IN_FORCE, asked(2, 2))),
    )
    first, second = backtest(order)
    assert (first.rule, second.rule) == (RuleName.ASKED, RuleName.IN_FORCE)
    assert (first.outcome.most_replicas, second.outcome.most_replicas) == (1, 2)
    assert second.outcome.waits.p99 < first.outcome.waits.p99
