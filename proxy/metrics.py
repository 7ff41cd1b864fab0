"""Counters as Prometheus reads them. Copied when they are asked for, and written in a thread."""

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from perdure.metrics import Build
from proxy.figures import Figures
from proxy.plane import Plane
from proxy.state import State
from proxy.stats import NAMES, Durations, Outcome

KIND_BUCKETS = range(20)
"""Powers of two of a millisecond, up to 524 s."""

RUN_BUCKETS = range(1, 20, 2)
"""Every second one: there may be thousands of runs."""


async def exposition(plane: Plane, state: State) -> bytes:
    """All metrics of this process, in Prometheus's text format.

    For a thousand runs that takes a tenth of a second and more, in which no request should wait.
    """
    registry = CollectorRegistry()
    # What the SDK measures changes in this thread alone.
    sdk = tuple(state.sdk.collect()) if state.sdk is not None else ()
    registry.register(_Collector(Figures.of(plane, state), sdk))
    registry.register(Build("proxy"))
    ProcessCollector(registry=registry)
    return await asyncio.to_thread(generate_latest, registry)


class _Collector(Collector):
    def __init__(self, figures: Figures, sdk: tuple[Metric, ...]) -> None:
        self._figures = figures
        self._sdk = sdk

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        yield self._requests()
        yield self._replies()
        yield self._durations()
        yield from self._of_runs()
        yield self._in_flight()
        yield from self._holding()
        yield from self._gauges()
        yield from self._sdk

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            "perdure_proxy_requests", "Requests that arrived for a service.", labels=["run"]
        )
        for run, count in self._figures.arrived.items():
            family.add_metric([run], count)
        return family

    def _replies(self) -> Metric:
        family = CounterMetricFamily(
            "perdure_proxy_replies",
            "Replies begun, the proxy's own included, by where the request went.",
            labels=["kind", "status"],
        )
        for index, count in enumerate(self._figures.replies):
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
        for kind, durations in self._figures.durations.items():
            family.add_metric(
                [NAMES[kind // 1000]], _buckets(durations, KIND_BUCKETS), durations.seconds
            )
        return family

    def _of_runs(self) -> Iterator[Metric]:
        figures = self._figures
        family = HistogramMetricFamily(
            "perdure_proxy_run_duration_seconds",
            "The same of requests that a replica of the run answered, with calls of its model.",
            labels=["run"],
        )
        for run, durations in figures.run_durations.items():
            family.add_metric([run], _buckets(durations, RUN_BUCKETS), durations.seconds)
        yield family
        for name, about, counts in (
            ("in_flight", "Requests in flight on the run's replicas.", figures.run_in_flight),
            ("held", "Requests that wait for a replica of the run.", figures.run_held),
        ):
            gauge = GaugeMetricFamily(f"perdure_proxy_run_{name}", about, labels=["run"])
            for run, count in counts.items():
                gauge.add_metric([run], count)
            yield gauge

    def _in_flight(self) -> Metric:
        family = GaugeMetricFamily(
            "perdure_proxy_in_flight", "Requests in flight on a replica.", labels=["replica"]
        )
        for replica, count in self._figures.in_flight.items():
            family.add_metric([replica], count)
        return family

    def _holding(self) -> Iterator[Metric]:
        figures = self._figures
        yield GaugeMetricFamily(
            "perdure_proxy_held", "Requests that wait for a replica.", value=figures.held
        )
        holds = CounterMetricFamily(
            "perdure_proxy_holds",
            "Requests for which no replica was ready, by how it went on.",
            labels=["outcome"],
        )
        for outcome in Outcome:
            holds.add_metric([outcome.value], figures.holds[outcome])
        yield holds
        wakes = CounterMetricFamily(
            "perdure_proxy_wakes", "Attempts to wake a run that sleeps.", labels=["outcome"]
        )
        for told in (True, False):
            wakes.add_metric(["told" if told else "failed"], figures.wakes[told])
        yield wakes
        in_flight = sum(figures.in_flight.values())
        yield GaugeMetricFamily(
            "perdure_proxy_requests_in_flight",
            "Requests in flight on all replicas.",
            value=in_flight,
        )
        arrived = sum(figures.arrived.values())
        yield CounterMetricFamily(
            "perdure_proxy_arrivals", "Requests that arrived for all services.", value=arrived
        )

    def _gauges(self) -> Iterator[Metric]:
        figures = self._figures
        yield GaugeMetricFamily(
            "perdure_proxy_clients", "Connections of clients.", value=figures.clients
        )
        yield GaugeMetricFamily(
            "perdure_proxy_model_bodies_bytes",
            "Held of large requests for models, until a replica has taken them.",
            value=figures.model_bodies,
        )
        yield GaugeMetricFamily(
            "perdure_proxy_held_bodies_bytes",
            "Of bodies of requests that wait for a replica, past 16 KiB of each.",
            value=figures.held_bodies,
        )
        yield GaugeMetricFamily(
            "perdure_proxy_table_age_seconds",
            "Since the table was last confirmed by its source.",
            value=figures.table_age,
        )
        if figures.feed_age is not None:
            yield GaugeMetricFamily(
                "perdure_proxy_feed_age_seconds",
                "Since the internal API last answered; it does so each 20 seconds without news.",
                value=figures.feed_age,
            )
        for name, up in (("temporal", figures.temporal_up), ("api", figures.api_up)):
            if up is not None:
                yield GaugeMetricFamily(
                    f"perdure_proxy_{name}_up", f"Whether {name} answers.", value=float(up)
                )


def _buckets(durations: Durations, powers: range) -> list[tuple[str, float]]:
    """As Prometheus counts them: each with all that are below it."""
    counts = durations.counts
    buckets = [(str(2**power / 1000), float(sum(counts[: power + 1]))) for power in powers]
    return [*buckets, ("+Inf", float(sum(counts)))]
