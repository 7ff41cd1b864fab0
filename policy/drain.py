"""When a replica that leaves may stop: when no proxy sends anything to it any more."""

from collections.abc import Mapping

from spec.deeds import DrainOrder
from spec.feed import ProxyStats


def waiting_for(order: DrainOrder, told: Mapping[str, ProxyStats | None]) -> tuple[str, ...]:
    """The proxies that have not let go of the replica, of those that `told` has; by their boot."""
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
