"""Autoscaling follows the load by the rule of docs/concepts/scaling.md."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.autoscale import STEPS, decide, new_load, seen
from spec.load import Load, LoadSample
from spec.scale import ScalingRule, ScalingSpec, Verdict
from spec.scaling import ReplicaRange, Scaling, ScalingMetric

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def asked(low: int = 1, high: int = 4, **scaling: object) -> ScalingSpec:
    given = {"metric": ScalingMetric.RPS, "target": 10.0, **scaling}
    return ScalingSpec(
        replicas=ReplicaRange(min=low, max=high), scaling=Scaling.model_validate(given)
    )


def sample(at: float, arrived: int = 0, busy: int = 0, seconds: float = 1.0) -> LoadSample:
    return LoadSample(at=after(at), seconds=seconds, arrived=arrived, busy=busy)


def following(
    spec: ScalingSpec, samples: list[LoadSample], current: int, load: Load | None = None
) -> list[Verdict]:
    """What is decided after each sample, by a watch that does what it decides."""
    load = load or new_load(current, T0)
    changed_at, verdicts = None, []
    for each in samples:
        load = seen(load, each, spec)
        verdict = decide(load, spec, each.at, current, changed_at)
        if verdict.desired != current:
            current, changed_at = verdict.desired, each.at
        verdicts.append(verdict)
    return verdicts


def needed(spec: ScalingSpec, arrived: int) -> int:
    load = seen(Load(), sample(1, arrived), spec)
    return decide(load, spec, after(1), 0, None).need


@pytest.mark.parametrize(
    ("low", "arrived", "replicas"),
    [
        *[(1, 0, 1), (1, 600, 1), (1, 601, 2), (1, 1200, 2), (1, 2400, 4), (1, 6000, 4)],
        *[(0, 0, 0), (0, 1, 1)],
    ],
)
def test_the_need_is_the_rate_by_the_target_rounded_up_within_the_range(
    low: int, arrived: int, replicas: int
) -> None:
    assert needed(asked(low), arrived) == replicas


@given(
    target=st.floats(5e-324, 1e308),
    metric=st.sampled_from(ScalingMetric),
    arrived=st.integers(0, 2**53),
    busy=st.integers(0, 2**53),
)
def test_whatever_the_target_there_is_a_need_within_the_range(
    target: float, metric: ScalingMetric, arrived: int, busy: int
) -> None:
    """Also for one that is refused by now, and may be in a run's memory."""
    spec = asked(low=0)
    scaling = spec.scaling.model_copy(update={"target": target, "metric": metric})
    spec = spec.model_copy(update={"scaling": scaling})
    load = seen(Load(), sample(1, arrived, busy), spec)
    assert 0 <= decide(load, spec, after(1), 0, None).need <= 4


@pytest.mark.parametrize(
    ("window", "arrived", "replicas"), [(30, 900, 3), (60, 1200, 2), (300, 1500, 1)]
)
def test_the_rate_is_over_the_window(window: int, arrived: int, replicas: int) -> None:
    assert needed(asked(window=window), arrived) == replicas


def test_up_at_once() -> None:
    (verdict,) = following(asked(), [sample(1, 2400)], current=1)
    assert (verdict.desired, verdict.rule, verdict.rps) == (4, ScalingRule.UP, 40.0)


def test_up_no_sooner_than_its_delay_after_the_last_change() -> None:
    spec = asked(scale_up_delay=60)
    samples = [sample(1, 900), *(sample(at, 40) for at in range(2, 70))]
    verdicts = following(spec, samples, current=1)
    assert [verdicts[at].desired for at in (0, 59, 60)] == [2, 2, 4]
    assert verdicts[30].rule is ScalingRule.DELAYED


def test_from_zero_at_once_whatever_the_delay() -> None:
    spec = asked(low=0, scale_up_delay=600)
    load = seen(new_load(0, T0), sample(5, 1), spec)
    verdict = decide(load, spec, after(5), 0, changed_at=after(4))
    assert (verdict.desired, verdict.rule) == (1, ScalingRule.FROM_ZERO)


def test_down_when_fewer_were_enough_for_the_whole_delay() -> None:
    samples = [sample(1, 2400), *(sample(at) for at in range(2, 800))]
    verdicts = following(asked(), samples, current=1)
    fell = next(v for v in verdicts if v.rule is ScalingRule.DOWN)
    # The burst counts for a window of 60 s, and what it needed for a delay of 600 s after that.
    assert 655 <= verdicts.index(fell) <= 665
    assert (fell.desired, fell.highest) == (1, 1)
    assert verdicts[300].rule is ScalingRule.RECENT


def test_down_to_the_highest_need_within_the_delay() -> None:
    spec = asked(scale_down_delay=120, window=30)
    burst, ripple = sample(1, 1200), sample(100, 600)
    quiet = [sample(at) for at in range(2, 400) if at != 100]
    samples = sorted([burst, ripple, *quiet], key=lambda each: each.at)
    steps = [v.desired for v in following(spec, samples, current=1)]
    assert [steps[0], *(b for a, b in pairwise(steps) if a != b)] == [4, 2, 1]


def test_what_is_there_when_the_watch_begins_counts_as_needed() -> None:
    samples = [sample(at) for at in range(1, 800)]
    verdicts = following(asked(high=10), samples, current=10)
    assert {v.desired for v in verdicts[:590]} == {10}
    assert verdicts[-1].desired == 1


def test_nothing_goes_to_zero_while_a_request_is_busy() -> None:
    spec = asked(low=0)
    samples = [sample(at, busy=1) for at in range(1, 2000, 5)]
    assert {v.desired for v in following(spec, samples, current=1)} == {1}


def test_what_is_out_of_its_range_comes_into_it_at_once() -> None:
    assert following(asked(low=2), [sample(1)], current=0)[0].desired == 2
    verdict = following(asked(high=3), [sample(1)], current=9)[0]
    assert (verdict.desired, verdict.rule) == (3, ScalingRule.BOUNDS)


def test_streams_of_minutes_are_seen_by_what_is_in_flight() -> None:
    spec = asked(metric=ScalingMetric.IN_FLIGHT, target=8)
    assert [v.desired for v in following(spec, [sample(1, busy=17)], current=1)] == [3]


def test_a_proxy_that_was_silent_for_a_while_tells_of_no_burst() -> None:
    spec = asked(high=100)
    steady = [sample(at, 10) for at in range(1, 61)]
    gap = sample(300, 2390, seconds=239)
    verdicts = following(spec, [*steady, gap], current=1)
    assert verdicts[-1].desired <= 2


loads = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 50)), min_size=1, max_size=60)
specs = st.builds(
    asked,
    low=st.integers(0, 3),
    high=st.integers(3, 40),
    target=st.floats(0.1, 100),
    window=st.sampled_from([30, 60, 300]),
    scale_down_delay=st.integers(0, 900),
    scale_up_delay=st.integers(0, 60),
    metric=st.sampled_from(ScalingMetric),
)


@given(spec=specs, load=loads, current=st.integers(0, 60), tick=st.integers(1, 30))
def test_never_outside_the_range_and_nothing_busy_goes_to_zero(
    spec: ScalingSpec, load: list[tuple[int, int]], current: int, tick: int
) -> None:
    samples = [sample(at * tick, arrived, busy, tick) for at, (arrived, busy) in enumerate(load, 1)]
    for verdict, told in zip(following(spec, samples, current), samples, strict=True):
        assert spec.replicas.holds(verdict.desired)
        assert verdict.desired > 0 or not (told.busy or told.arrived)
        assert verdict.need <= verdict.highest


@given(spec=specs, load=loads, current=st.integers(0, 60), more=st.integers(1, 500))
def test_more_load_never_means_fewer_replicas(
    spec: ScalingSpec, load: list[tuple[int, int]], current: int, more: int
) -> None:
    def last(extra: int) -> Verdict:
        remembered = new_load(current, T0)
        for at, (arrived, busy) in enumerate(load, 1):
            remembered = seen(remembered, sample(at, arrived + extra, busy + extra), spec)
        return decide(remembered, spec, after(len(load)), current, None)

    assert last(0).need <= last(more).need
    assert last(0).desired <= last(more).desired


@given(
    rate=st.integers(20, 400),
    shakes=st.lists(st.floats(-0.1, 0.1), min_size=300, max_size=300),
)
def test_a_load_that_trembles_by_a_tenth_does_not_flap(rate: int, shakes: list[float]) -> None:
    spec = asked(low=0, high=100)
    samples = [sample(at, round(rate * (1 + shake))) for at, shake in enumerate(shakes, 1)]
    steps = [v.desired for v in following(spec, samples, current=0)]
    assert all(a <= b for a, b in pairwise(steps))


@given(spec=specs, load=loads)
def test_what_is_remembered_stays_small(spec: ScalingSpec, load: list[tuple[int, int]]) -> None:
    remembered = new_load(3, T0)
    for at, (arrived, busy) in enumerate(load * 8, 1):
        remembered = seen(remembered, sample(at, arrived, busy), spec)
    assert len(remembered.arrivals) <= STEPS + 1
    highs = [each.replicas for each in remembered.needs]
    assert highs == sorted(highs, reverse=True) == list(dict.fromkeys(highs))
