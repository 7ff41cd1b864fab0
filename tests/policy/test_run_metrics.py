"""The numbers of a run, out of what it tells and what the proxies count."""

import pytest

from policy.run_metrics import NO_PROXY, run_metrics
from policy.views import route_table, run_status
from spec.cost import cost_per_hour
from spec.feed import ProxyStats
from spec.names import replica_id
from spec.replica import Placement, ReplicaRecord
from spec.run_metrics import RunMetrics
from spec.run_status import RunStatus
from spec.status import ReplicaPhase
from tests.policy.making import LIFE, NOW, record, run, spec

PLACE = Placement(
    backend="runpod", region="CA", instance_type="a", resources="4xCPU, 16GB", price=0.25
)
READY = {"phase": "running", "ready": True, "address": "tcp://10.0.0.1:80", "placement": PLACE}
RATES = (2.5, 1.5)


def at(num: int, generation: int, **properties: object) -> ReplicaRecord:
    """The record of that generation."""
    known = replica_id("main", "web", LIFE, num, generation)
    return record(num, **(READY | properties)).model_copy(update={"id": known})


def name(num: int, generation: int) -> str:
    return replica_id("main", "web", LIFE, num, generation)


def proxy(boot: str = "one", **counts: dict[str, int]) -> ProxyStats:
    return ProxyStats.model_validate({"boot": boot} | counts)


def numbers(*records: ReplicaRecord, told: tuple[ProxyStats | None, ...] = ()) -> RunMetrics:
    state = run(spec(), records=records)
    boots = {f"boot{number}": each for number, each in enumerate(told)}
    return run_metrics(run_status(state), route_table(state, NOW), boots, RATES, NOW)


def in_flight(found: RunMetrics) -> list[tuple[int, ReplicaPhase, int | None]]:
    return [(each.num, each.status, each.in_flight) for each in found.replicas]


def test_what_all_proxies_count_is_added_up() -> None:
    first = proxy(
        in_flight={name(0, 1): 3, name(1, 2): 1},
        finished={name(0, 1): 10},
        run_in_flight={"main/web": 4, "main/other": 9},
        run_finished={"main/web": 15},
        held={"main/web": 1},
    )
    second = proxy(
        "two",
        in_flight={name(0, 1): 2},
        finished={name(0, 1): 5},
        run_in_flight={"main/web": 2},
        run_finished={"main/web": 5},
    )
    found = numbers(at(0, 1), at(1, 2), told=(first, second))
    assert (found.in_flight, found.held, found.finished) == (6, 1, 20)
    assert (found.requests_per_second_1m, found.requests_per_second_5m) == RATES
    assert [(each.in_flight, each.finished) for each in found.replicas] == [(5, 15), (1, 0)]
    assert (found.proxies, found.silent_proxies, found.note) == (2, 0, "")


@pytest.mark.parametrize("told", [(), (None,), (None, None)])
def test_without_a_proxy_what_they_count_is_unknown_and_the_rest_is_told(
    told: tuple[None, ...],
) -> None:
    found = numbers(at(0, 1), told=told)
    assert (found.in_flight, found.held, found.finished) == (None, None, None)
    assert (found.requests_per_second_1m, found.requests_per_second_5m) == (None, None)
    assert [(each.in_flight, each.finished) for each in found.replicas] == [(None, None)]
    assert (found.proxies, found.silent_proxies, found.note) == (0, len(told), NO_PROXY)
    assert (found.ready, found.cost_per_hour) == (1, 0.25)


def test_a_proxy_that_is_silent_among_others_is_told() -> None:
    found = numbers(at(0, 1), told=(proxy(), None))
    assert (found.in_flight, found.proxies, found.silent_proxies) == (0, 1, 1)
    assert found.note == "1 of 2 proxies does not answer: requests there are missing."
    assert "2 of 3 proxies do not" in numbers(told=(proxy(), None, None)).note


def test_a_service_that_no_proxy_has_has_no_requests() -> None:
    found = numbers(told=(proxy(in_flight={name(0, 1): 3}),))
    assert (found.in_flight, found.held, found.finished, found.replicas) == (0, 0, 0, ())


def test_replicas_of_one_number_are_told_apart() -> None:
    counts = proxy(in_flight={name(0, 1): 7, name(0, 2): 5, name(0, 3): 1})
    first, second = at(0, 1, phase="draining"), at(0, 2, phase="draining")
    found = numbers(first, second, at(0, 3), told=(counts,))
    draining = ReplicaPhase.DRAINING
    assert in_flight(found) == [(0, draining, 7), (0, draining, 5), (0, ReplicaPhase.RUNNING, 1)]


def test_a_run_that_is_too_old_to_tell_ids_is_told_no_requests_of_replicas() -> None:
    state = run(spec(), records=(at(0, 1),))
    published = run_status(state)
    old = published.model_dump(mode="json")
    del old["replicas"][0]["id"]
    counts = proxy(in_flight={name(0, 1): 7}, run_in_flight={"main/web": 7})
    status = RunStatus.model_validate(old)
    found = run_metrics(status, route_table(state, NOW), {"one": counts}, RATES, NOW)
    assert (found.in_flight, found.replicas[0].in_flight) == (7, None)


def test_one_that_starts_is_not_given_the_requests_of_the_one_before_it() -> None:
    counts = proxy(in_flight={name(0, 1): 7})
    leaving = at(0, 1, phase="terminating", ready=False, address="")
    starting = at(0, 2, phase="pulling", ready=False, address="")
    assert in_flight(numbers(leaving, starting, told=(counts,))) == [
        (0, ReplicaPhase.TERMINATING, 7),
        (0, ReplicaPhase.PULLING, 0),
    ]


def test_one_that_its_probes_took_out_of_the_routes_keeps_its_requests() -> None:
    counts = proxy(in_flight={name(0, 2): 4})
    sick = at(0, 2, ready=False, health="unhealthy")
    assert in_flight(numbers(sick, told=(counts,))) == [(0, ReplicaPhase.RUNNING, 4)]


def test_requests_of_another_life_are_none_of_this_one() -> None:
    other = replica_id("main", "web", "other-life", 0, 2)
    sick = at(0, 2, ready=False, health="unhealthy")
    assert numbers(sick, told=(proxy(in_flight={other: 4}),)).replicas[0].in_flight == 0


def test_what_has_ended_is_no_replica_of_now() -> None:
    failed = at(1, 2, phase="failed", ready=False, reason="error")
    assert [each.num for each in numbers(at(0, 1), failed).replicas] == [0]


def test_the_cost_is_that_of_all_that_have_a_machine() -> None:
    dear = PLACE.model_copy(update={"price": 1.0})
    waiting = at(2, 3, phase="submitted", ready=False, placement=None)
    state = run(spec(), records=(at(0, 1), at(1, 2, placement=dear), waiting))
    assert cost_per_hour(run_status(state).replicas) == 1.25
    assert cost_per_hour(()) == 0


def test_the_cost_is_unknown_when_a_price_is() -> None:
    nameless = PLACE.model_copy(update={"price": None})
    state = run(spec(), records=(at(0, 1), at(1, 2, placement=nameless)))
    assert cost_per_hour(run_status(state).replicas) is None
