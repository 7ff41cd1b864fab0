"""A replica whose GPUs are idle for the whole window ends its run."""

from datetime import timedelta

import pytest

from policy.transitions import observed
from policy.utilization import in_words, is_over, looked
from spec.deeds import Idleness, Instance, MonitorOrder
from spec.profile import UtilizationPolicy
from spec.status import EndReason
from tests.policy.making import NOW, event, record, run, spec

POLICY = UtilizationPolicy(min_gpu_utilization=10, time_window=600)
LATER = NOW + timedelta(minutes=5)
IDLE, BUSY = Idleness(busy_at=NOW), Idleness(busy_at=LATER)


def order(*gpus: str) -> MonitorOrder:
    instance = Instance(token="t", backend="local", gpus=gpus)
    return MonitorOrder(instance=instance, owner="o", incarnation="i", utilization=POLICY)


@pytest.mark.parametrize(
    ("used", "known"),
    [
        ({"a": 0, "b": 9}, IDLE),
        ({"a": 0, "b": 10}, BUSY),
        ({"a": 0}, BUSY),
        ({}, BUSY),
        ({"a": 0, "b": 0, "other": 99}, IDLE),
    ],
    ids=["both idle", "one is used", "one does not tell", "none tells", "another's is used"],
)
def test_its_gpus_are_idle_when_each_tells_that_it_is(
    used: dict[str, int], known: Idleness
) -> None:
    assert looked(IDLE, used, order("a", "b"), LATER) == known


def test_a_replica_without_gpus_leaves_none_idle() -> None:
    assert looked(IDLE, {}, order(), LATER) == BUSY


@pytest.mark.parametrize(("seconds", "over"), [(599, False), (600, True)])
def test_it_is_over_after_the_whole_window(seconds: int, over: bool) -> None:
    assert is_over(IDLE, POLICY, NOW + timedelta(seconds=seconds)) is over
    assert not is_over(IDLE, None, NOW + timedelta(seconds=seconds))


def test_why_is_told() -> None:
    assert in_words(POLICY) == "No GPU of it was used by 10 % in 10m."


def test_one_that_ends_so_stops_its_run() -> None:
    state = run(spec(replicas=2), records=(record(0, phase="running"), record(1, phase="running")))
    said = "No GPU of it was used by 10 % in 10m."
    news = event(phase="terminating", reason="utilization policy", detail=said)
    stopped = observed(state, news, NOW)
    assert stopped.stop is not None
    assert stopped.stop.reason is EndReason.UTILIZATION
    assert stopped.decisions[-1].outcome == f"It stops: {said}"
