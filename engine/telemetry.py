"""What Temporal's SDK measures and logs, in Prometheus's and Python's own terms.

The SDK could serve Prometheus itself, on a port that we would have to find for each process; this
takes its updates out of a buffer instead, and keeps the sums.
"""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import REGISTRY
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_HISTOGRAM,
    BufferedMetric,
    LogForwardingConfig,
    LoggingConfig,
    MetricBuffer,
    MetricBufferDurationFormat,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

BUFFER = 100_000
"""Updates between two drains: some hundred workflow tasks a second make some thousand."""
DRAIN_SECONDS = 5.0
BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 600.0)
"""Of every histogram, in seconds."""
SAME_FOR_ALL = frozenset({"service_name", "namespace"})

Labels = tuple[tuple[str, str], ...]


@dataclass
class Series:
    """One metric with one set of labels. `counts` are those of a histogram's buckets."""

    value: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))


class SdkMetrics(Collector):
    """Sums of the SDK's updates, by metric and labels."""

    def __init__(self, buffer: MetricBuffer) -> None:
        self._buffer = buffer
        self._known: dict[str, BufferedMetric] = {}
        self._series: dict[str, dict[Labels, Series]] = {}

    def drain(self) -> None:
        """Take what the SDK has measured since the last time."""
        for update in self._buffer.retrieve_updates():
            metric = update.metric
            self._known[metric.name] = metric
            series = self._series.setdefault(metric.name, {})
            mine = series.setdefault(_labels(update.attributes), Series())
            if metric.kind == BUFFERED_METRIC_KIND_HISTOGRAM:
                mine.counts[bisect_left(BOUNDS, update.value)] += 1
                mine.value += update.value
            elif metric.kind == BUFFERED_METRIC_KIND_COUNTER:
                mine.value += update.value
            else:
                mine.value = update.value

    def collect(self) -> Iterator[Metric]:
        """One family after the other, of now."""
        self.drain()
        for name in sorted(self._known):
            yield from self._families(self._known[name])

    def _families(self, metric: BufferedMetric) -> Iterator[Metric]:
        """One for each set of label names: Prometheus wants them alike within a family."""
        kind, about = metric.kind, metric.description or metric.name
        shapes = {tuple(name for name, _ in labels) for labels in self._series[metric.name]}
        for shape in sorted(shapes):
            make = {
                BUFFERED_METRIC_KIND_COUNTER: CounterMetricFamily,
                BUFFERED_METRIC_KIND_HISTOGRAM: HistogramMetricFamily,
            }.get(kind, GaugeMetricFamily)
            family = make(metric.name, about, labels=shape)
            for labels, series in self._series[metric.name].items():
                if tuple(name for name, _ in labels) == shape:
                    values = [value for _, value in labels]
                    if isinstance(family, HistogramMetricFamily):
                        family.add_metric(values, _buckets(series), series.value)
                    else:
                        family.add_metric(values, series.value)
            yield family


def _labels(attributes: Mapping[str, object]) -> Labels:
    return tuple(
        sorted((name, str(each)) for name, each in attributes.items() if name not in SAME_FOR_ALL)
    )


def _buckets(series: Series) -> list[tuple[str, float]]:
    total, buckets = 0, list[tuple[str, float]]()
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), series.counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def set_up() -> SdkMetrics:
    """Have all clients of this process log as we do, and be measured. Once, before the first."""
    buffer = MetricBuffer(BUFFER, MetricBufferDurationFormat.SECONDS)
    runtime = Runtime(telemetry=TelemetryConfig(logging=_logging(), metrics=buffer))
    Runtime.set_default(runtime, error_if_already_set=False)
    metrics = SdkMetrics(buffer)
    REGISTRY.register(metrics)
    return metrics


def _logging() -> LoggingConfig:
    return LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
        forwarding=LogForwardingConfig(
            logging.getLogger("temporalio.core"), append_target_to_name=False
        ),
    )


@asynccontextmanager
async def measured() -> AsyncIterator[SdkMetrics]:
    """`set_up`, and empty the buffer now and then: a full one drops what comes."""
    metrics = set_up()
    draining = asyncio.create_task(_drain(metrics))
    try:
        yield metrics
    finally:
        draining.cancel()


async def _drain(metrics: SdkMetrics) -> None:
    while True:
        metrics.drain()
        await asyncio.sleep(DRAIN_SECONDS)
