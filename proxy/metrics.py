"""Counters as Prometheus reads them. Collected when they are asked for."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from perdure.metrics import Build
from proxy.plane import Plane
from proxy.state import State
from proxy.stats import NAMES, Durations, Outcome

SHOWN = 20
"""Buckets of the histogram: up to 524 s."""


def exposition(plane: Plane, state: State) -> bytes:
    """All metrics of this process, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(plane, state))
    registry.register(Build("proxy"))
    if state.sdk is not None:
        registry.register(state.sdk)
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, plane: Plane, state: State) -> None:
        self._plane = plane
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        yield self._requests()
        yield self._replies()
        yield self._durations()
        yield from self._of_runs()
        yield self._in_flight()
        yield from self._holding()
        yield from self._gauges()

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            "perdure_proxy_requests", "Requests that arrived for a service.", labels=["run"]
        )
        for run, count in self._plane.table.arrived().items():
            family.add_metric([run], count)
        return family

    def _replies(self) -> Metric:
        family = CounterMetricFamily(
            "perdure_proxy_replies",
            "Replies begun, the proxy's own included, by where the request went.",
            labels=["kind", "status"],
        )
        for index, count in enumerate(self._plane.stats.replies):
            if count:
                kind, status = divmod(index, 1000)
                family.add_metric([NAMES[kind], str(status)], count)
        return family

    def _durations(self) -> Metric:
        family = HistogramMetricFamily(
            "perdure_proxy_duration_seconds",
            "From the head of a request to the end of its reply, by where the request went.",
            labels=["kind"],
        )
        for kind, durations in self._plane.stats.durations.items():
            family.add_metric([NAMES[kind // 1000]], _buckets(durations), durations.seconds)
        return family

    def _of_runs(self) -> Iterator[Metric]:
        table = self._plane.table
        family = HistogramMetricFamily(
            "perdure_proxy_run_duration_seconds",
            "The same of requests that a replica of the run answered, with calls of its model.",
            labels=["run"],
        )
        for run, durations in table.durations().items():
            family.add_metric([run], _buckets(durations), durations.seconds)
        yield family
        for name, about, counts in (
            ("in_flight", "Requests in flight on the run's replicas.", table.run_in_flight()),
            ("held", "Requests that wait for a replica of the run.", table.held()),
        ):
            gauge = GaugeMetricFamily(f"perdure_proxy_run_{name}", about, labels=["run"])
            for run, count in counts.items():
                gauge.add_metric([run], count)
            yield gauge

    def _in_flight(self) -> Metric:
        family = GaugeMetricFamily(
            "perdure_proxy_in_flight", "Requests in flight on a replica.", labels=["replica"]
        )
        for replica, count in self._plane.table.in_flight().items():
            family.add_metric([replica], count)
        return family

    def _holding(self) -> Iterator[Metric]:
        plane = self._plane
        yield GaugeMetricFamily(
            "perdure_proxy_held", "Requests that wait for a replica.", value=plane.room.held
        )
        holds = CounterMetricFamily(
            "perdure_proxy_holds",
            "Requests for which no replica was ready, by how it went on.",
            labels=["outcome"],
        )
        for outcome in Outcome:
            holds.add_metric([outcome.value], plane.stats.holds[outcome])
        yield holds
        wakes = CounterMetricFamily(
            "perdure_proxy_wakes", "Attempts to wake a run that sleeps.", labels=["outcome"]
        )
        for told in (True, False):
            wakes.add_metric(["told" if told else "failed"], plane.stats.wakes[told])
        yield wakes
        in_flight = sum(plane.table.in_flight().values())
        yield GaugeMetricFamily(
            "perdure_proxy_requests_in_flight",
            "Requests in flight on all replicas.",
            value=in_flight,
        )
        arrived = sum(plane.table.arrived().values())
        yield CounterMetricFamily(
            "perdure_proxy_arrivals", "Requests that arrived for all services.", value=arrived
        )

    def _gauges(self) -> Iterator[Metric]:
        state = self._state
        yield GaugeMetricFamily(
            "perdure_proxy_clients", "Connections of clients.", value=len(self._plane.clients)
        )
        yield GaugeMetricFamily(
            "perdure_proxy_model_bodies_bytes",
            "Held of large requests for models, until a replica has taken them.",
            value=self._plane.bodies.taken,
        )
        yield GaugeMetricFamily(
            "perdure_proxy_held_bodies_bytes",
            "Of bodies of requests that wait for a replica, past 16 KiB of each.",
            value=self._plane.room.bodies.taken,
        )
        yield GaugeMetricFamily(
            "perdure_proxy_table_age_seconds",
            "Since the table was last confirmed by its source.",
            value=time.monotonic() - state.heard_at,
        )
        if state.api_up is not None:
            yield GaugeMetricFamily(
                "perdure_proxy_feed_age_seconds",
                "Since the internal API last answered; it does so each 20 seconds without news.",
                value=time.monotonic() - state.fed_at,
            )
        for name, up in (("temporal", state.temporal_up), ("api", state.api_up)):
            if up is not None:
                yield GaugeMetricFamily(
                    f"perdure_proxy_{name}_up", f"Whether {name} answers.", value=float(up)
                )


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """As Prometheus counts them: each with all that are below it."""
    total = 0
    buckets: list[tuple[str, float]] = []
    for power, count in enumerate(durations.counts[:SHOWN]):
        total += count
        buckets.append((str(2**power / 1000), total))
    buckets.append(("+Inf", sum(durations.counts)))
    return buckets
