"""A proxy has let go of a replica when it will send nothing more to it."""

from datetime import timedelta

import pytest

from policy.drain import grace, has_let_go, waiting_for
from spec.deeds import DrainOrder
from spec.feed import ProxyStats, TableMark
from spec.replica import LeaveOrder
from spec.status import EndReason
from tests.policy.making import LIFE, NOW

ORDER = DrainOrder(
    project="main", run="web", incarnation=LIFE, replica="r0", route_version=7, deadline=NOW
)


def stats(version: int | None = 7, life: str = LIFE, **in_flight: int) -> ProxyStats:
    tables = {} if version is None else {"main/web": TableMark(incarnation=life, version=version)}
    return ProxyStats(boot="b", tables=tables, in_flight=in_flight)


@pytest.mark.parametrize(
    "told",
    [stats(), stats(r0=0, r1=4), stats(8), stats(None)],
    ids=["knows", "serves others", "knows more", "never heard of the run"],
)
def test_a_proxy_lets_go_by_what_it_knows_and_does(told: ProxyStats) -> None:
    assert has_let_go(ORDER, told)


@pytest.mark.parametrize(
    "told",
    [stats(6), stats(9, life="f" * 12), stats(r0=1), stats(None, r0=1), stats(None, r0=0), None],
    ids=[
        "knows less",
        "knows another life",
        "has a request",
        "has a request of a run it lost",
        "has the replica of a run it lost",
        "tells nothing",
    ],
)
def test_a_proxy_that_may_still_send_has_not(told: ProxyStats | None) -> None:
    assert not has_let_go(ORDER, told)


def test_those_that_have_not_are_waited_for() -> None:
    assert waiting_for(ORDER, {}) == ()
    assert waiting_for(ORDER, {"a": stats(), "b": stats(6), "c": None}) == ("b", "c")


@pytest.mark.parametrize(
    ("reason", "left", "seconds"),
    [
        (EndReason.STOPPED_BY_USER, 300, 300),
        (EndReason.SCALED_DOWN, 10.5, 10.5),
        (EndReason.STOPPED_BY_USER, 9, 10),
        (EndReason.SCALED_DOWN, 0, 10),
        (EndReason.STOPPED_BY_USER, -60, 10),
        (EndReason.ABORTED_BY_USER, 300, 0),
        (EndReason.ABORTED_BY_USER, -1, 0),
    ],
)
def test_an_application_has_what_is_left_and_at_least_ten_seconds_but_none_at_an_abort(
    reason: EndReason, left: float, seconds: float
) -> None:
    order = LeaveOrder(route_version=1, deadline=NOW + timedelta(seconds=left), reason=reason)
    assert grace(order, NOW) == seconds


def test_a_replica_that_ended_by_itself_is_not_waited_for() -> None:
    assert grace(None, NOW) == 0.0
