"""What a proxy tells Prometheus, without a proxy."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from proxy.limits import Limits
from proxy.metrics import RUN_BUCKETS, exposition
from proxy.plane import Plane
from proxy.state import State
from proxy.stats import KINDS, NAMES
from spec.route import ReplicaRoute, RouteTable


class Sdk(Collector):
    """What Temporal's SDK has measured."""

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("temporal_request", "Requests.", value=3)


def plane(folder: Path) -> Plane:
    made = Plane(tunnels=folder, limits=Limits())
    replica = ReplicaRoute(id="r0", address="tcp://127.0.0.1:1")
    made.table.apply(RouteTable(project="main", run="web", version=1, replicas=(replica,)))
    return made


def samples(text: bytes, name: str, label: str = "run") -> dict[str, float]:
    """By the value of the label."""
    return {
        sample.labels[label]: sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == name
    }


async def test_durations_are_counted_by_kind_and_by_run(tmp_path: Path) -> None:
    made = plane(tmp_path)
    for kind in KINDS:
        made.stats.durations[kind].add(0.2)
    (replica,) = made.table.services[b"main", b"web"].ready
    replica.durations.add(0.003)
    replica.durations.add(1000)
    text = await exposition(made, State())
    of_kinds = samples(text, "perdure_proxy_duration_seconds_count", "kind")
    assert of_kinds == dict.fromkeys(NAMES, 1)
    assert samples(text, "perdure_proxy_run_duration_seconds_count") == {"main/web": 2}
    assert samples(text, "perdure_proxy_run_duration_seconds_sum") == {"main/web": 1000.003}
    buckets = samples(text, "perdure_proxy_run_duration_seconds_bucket", "le")
    assert len(buckets) == len(RUN_BUCKETS) + 1
    assert (buckets["0.002"], buckets["0.008"], buckets["524.288"], buckets["+Inf"]) == (0, 1, 1, 2)


async def test_runs_for_which_nothing_was_counted_have_no_histogram(tmp_path: Path) -> None:
    text = await exposition(plane(tmp_path), State())
    assert samples(text, "perdure_proxy_run_duration_seconds_bucket") == {}
    assert samples(text, "perdure_proxy_run_held") == {"main/web": 0}


async def test_it_is_written_in_a_thread_as_it_was_when_it_was_asked_for(tmp_path: Path) -> None:
    """For many runs that takes long, and requests have their turns meanwhile."""
    made = plane(tmp_path)
    service = made.table.services[b"main", b"web"]
    service.durations.add(1)
    asked = asyncio.create_task(exposition(made, State()))
    await asyncio.sleep(0)
    assert not asked.done()
    service.durations.add(1)
    service.held = 5
    text = await asked
    assert samples(text, "perdure_proxy_run_duration_seconds_count") == {"main/web": 1}
    assert samples(text, "perdure_proxy_run_held") == {"main/web": 0}


async def test_what_runs_have_in_flight_and_held_is_told(tmp_path: Path) -> None:
    made = plane(tmp_path)
    service = made.table.services[b"main", b"web"]
    service.held, service.ready[0].in_flight = 4, 2
    text = await exposition(made, State())
    assert samples(text, "perdure_proxy_run_held") == {"main/web": 4}
    assert samples(text, "perdure_proxy_run_in_flight") == {"main/web": 2}


async def test_what_the_sdk_measures_is_told_once_there_is_a_client_of_it(tmp_path: Path) -> None:
    made, state = plane(tmp_path), State()
    assert b"temporal_request_total" not in await exposition(made, state)
    state.sdk = Sdk()
    assert b"\ntemporal_request_total 3.0\n" in await exposition(made, state)
