"""The numbers of a run, out of what it tells itself and what the proxies count."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from spec.cost import cost_per_hour
from spec.feed import ProxyStats
from spec.replica import ReplicaStatus
from spec.route import RouteTable
from spec.run_metrics import ReplicaMetrics, RunMetrics
from spec.run_status import RunStatus

NO_PROXY = "No proxy answers: how many requests there are is not known."


def run_metrics(
    status: RunStatus,
    route: RouteTable,
    told: Mapping[str, ProxyStats | None],
    rates: tuple[float, float],
    at: datetime,
) -> RunMetrics:
    """All that is known of the run at that time.

    `told` is what the proxies count, by boot, None of one that does not answer; `rates` are
    requests per second over the last minute and the last five.
    """
    stats = [each for each in told.values() if each is not None]
    service, silent = f"{status.project}/{status.name}", len(told) - len(stats)
    living = [each for each in status.replicas if not each.status.is_final]
    one, five = rates if stats else (None, None)
    return RunMetrics(
        project=status.project,
        name=status.name,
        status=status.status,
        at=at,
        requests_per_second_1m=one,
        requests_per_second_5m=five,
        in_flight=_sum(each.run_in_flight.get(service, 0) for each in stats),
        held=_sum(each.held.get(service, 0) for each in stats),
        finished=_sum(each.run_finished.get(service, 0) for each in stats),
        desired=status.desired,
        ready=status.ready,
        cold_start=route.cold_start,
        cost_per_hour=cost_per_hour(living),
        replicas=tuple(_replica(each, stats) for each in living),
        proxies=len(stats),
        silent_proxies=silent,
        note=_note(len(stats), silent),
    )


def _sum(counts: Iterable[int]) -> int | None:
    """None of nothing."""
    found = list(counts)
    return sum(found) if found else None


def _note(answered: int, silent: int) -> str:
    if not answered:
        return NO_PROXY
    if not silent:
        return ""
    verb = "does" if silent == 1 else "do"
    return f"{silent} of {answered + silent} proxies {verb} not answer: requests there are missing."


def _replica(replica: ReplicaStatus, stats: Sequence[ProxyStats]) -> ReplicaMetrics:
    """A run that is too old to tell the replica's id cannot be told its requests."""
    counting = stats if replica.id else ()
    return ReplicaMetrics(
        num=replica.num,
        status=replica.status,
        ready=replica.ready,
        health=replica.health,
        in_flight=_sum(each.in_flight.get(replica.id, 0) for each in counting),
        finished=_sum(each.finished.get(replica.id, 0) for each in counting),
        price=replica.price,
    )
