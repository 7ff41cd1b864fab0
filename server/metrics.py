"""What the supervisor tells of the parts, to Prometheus and to whoever asks whether it is ready."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from perdure.data_dir import DataDir
from perdure.health import Readiness
from perdure.metrics import Build
from server.child import Child


async def readiness(children: Sequence[Child]) -> Readiness:
    """Ask each part whether it is ready, all at once."""
    ready = await asyncio.gather(*(_is_ready(child) for child in children))
    return Readiness(
        {
            child.part.name: "It does not run." if not child.is_running else "It is not ready."
            for child, well in zip(children, ready, strict=True)
            if not well
        }
    )


async def _is_ready(child: Child) -> bool:
    return child.is_running and await child.part.probe()


class PartMetrics(Collector):
    """Of the parts as they are when somebody asks, and of the disk that all of them share."""

    def __init__(self, children: Sequence[Child], data: DataDir) -> None:
        self._children = children
        self._data = data

    async def exposition(self) -> bytes:
        """All metrics of the supervisor, in Prometheus's text format."""
        registry = CollectorRegistry()
        for each in (self, Build("server"), ProcessCollector(registry=None)):
            registry.register(each)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        up = GaugeMetricFamily("perdure_part_up", "Whether the process runs.", labels=["part"])
        ends = CounterMetricFamily(
            "perdure_part_ends", "How often it ended by itself.", labels=["part"]
        )
        for child in self._children:
            up.add_metric([child.part.name], float(child.is_running))
            ends.add_metric([child.part.name], child.ends)
        yield from (up, ends)
        disk = shutil.disk_usage(self._data.root)
        yield GaugeMetricFamily(
            "perdure_data_disk_free_bytes", "Of the data directory's disk.", value=disk.free
        )
        yield GaugeMetricFamily(
            "perdure_data_disk_size_bytes", "Of the data directory's disk.", value=disk.total
        )
