"""The numbers of a run, out of what it tells itself and what the proxies count."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from spec.feed import ProxyStats
from spec.names import run_id
from spec.replica import ReplicaStatus
from spec.route import RouteState, RouteTable
from spec.run_metrics import ReplicaMetrics, RunMetrics
from spec.run_status import RunStatus
from spec.status import Health, ReplicaPhase

_ID = re.compile(r"(?P<life>.+)/r(?P<num>\d+)-g(?P<generation>\d+)")

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
        replicas=_replicas(living, _ids(status, living, route, stats), stats),
        proxies=len(stats),
        silent_proxies=silent,
        note=_note(len(stats), silent),
    )


def cost_per_hour(replicas: Iterable[ReplicaStatus]) -> float | None:
    """USD for all that live and have a machine; None when the price of one is unknown."""
    placed = [each for each in replicas if not each.status.is_final and each.backend is not None]
    prices = [each.price for each in placed if each.price is not None]
    return sum(prices) if len(prices) == len(placed) else None


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


def _replicas(
    living: Sequence[ReplicaStatus], ids: Sequence[str], stats: Sequence[ProxyStats]
) -> tuple[ReplicaMetrics, ...]:
    return tuple(
        ReplicaMetrics(
            num=replica.num,
            status=replica.status,
            ready=replica.ready,
            health=replica.health,
            in_flight=_sum(each.in_flight.get(known, 0) for each in stats),
            finished=_sum(each.finished.get(known, 0) for each in stats),
            price=replica.price,
        )
        for replica, known in zip(living, ids, strict=True)
    )


def _ids(
    status: RunStatus,
    living: Sequence[ReplicaStatus],
    route: RouteTable,
    stats: Sequence[ProxyStats],
) -> list[str]:
    """Under which id the proxies count each replica; empty for one to which nothing came yet.

    Two may have one number, of which the older leaves: the routes tell which is which. What is out
    of the routes, by its probes or at its end, is the newest of the rest.
    """
    life = f"{run_id(status.project, status.name)}/{status.incarnation}"
    states = {each.id: each.state for each in route.replicas}
    known: dict[tuple[int, RouteState | None], list[tuple[int, str]]] = defaultdict(list)
    for counted in {*states, *(each for stat in stats for each in stat.in_flight)}:
        match = _ID.fullmatch(counted)
        if match is not None and match["life"] == life:
            place = (int(match["num"]), states.get(counted))
            known[place].append((int(match["generation"]), counted))
    ids = []
    for replica in reversed(living):
        found = known[replica.num, _route_state(replica)] if _was_routed(replica) else []
        newest = max(found, default=(0, ""))
        if found:
            found.remove(newest)
        ids.append(newest[1])
    return ids[::-1]


def _route_state(replica: ReplicaStatus) -> RouteState | None:
    """How it is in the routes; None when it is not."""
    if replica.status is ReplicaPhase.DRAINING:
        return RouteState.DRAINING
    return RouteState.READY if replica.ready else None


def _was_routed(replica: ReplicaStatus) -> bool:
    """Whether it is in the routes, or was before its probes failed or it was told to go."""
    has_left = replica.status is ReplicaPhase.TERMINATING or replica.health is Health.UNHEALTHY
    return _route_state(replica) is not None or has_left
