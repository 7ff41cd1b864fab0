"""When a replica that leaves may stop: when no proxy sends anything to it any more. And how."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from spec.deeds import DrainOrder
from spec.feed import ProxyStats
from spec.replica import LeaveOrder
from spec.status import EndReason

MINIMUM_GRACE = timedelta(seconds=10)
"""What an application has after SIGTERM even when the drain took all its time; as Docker's."""


def grace(order: LeaveOrder | None, now: datetime) -> float:
    """Seconds from SIGTERM to SIGKILL: what is left, and some; none when nobody is to wait for it.

    Without an order the replica ended by itself, and what is left of it can go.
    """
    if order is None or order.reason is EndReason.ABORTED_BY_USER:
        return 0.0
    return max(MINIMUM_GRACE, order.deadline - now).total_seconds()


def waiting_for(order: DrainOrder, told: Mapping[str, ProxyStats | None]) -> tuple[str, ...]:
    """The proxies that have not let go of the replica, of those that `told` has; by their boot.

    Nobody in it is nobody to wait for. So `told` has all that may serve: where they cannot be asked
    for, it is no empty one, and leases that ran out while none could be renewed are asked, too.
    """
    return tuple(boot for boot, stats in told.items() if not has_let_go(order, stats))


def has_let_go(order: DrainOrder, stats: ProxyStats | None) -> bool:
    """Whether a proxy with these numbers sends nothing more. None: it did not tell, so it may.

    It knows the table without the replica, or no table of the run, and has no request in flight.
    """
    if stats is None or stats.in_flight.get(order.replica, 0) > 0:
        return False
    mark = stats.tables.get(f"{order.project}/{order.run}")
    if mark is not None and mark.incarnation == order.incarnation:
        return mark.version >= order.route_version
    return mark is None and order.replica not in stats.in_flight
