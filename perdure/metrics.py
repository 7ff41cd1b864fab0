"""What all our processes tell Prometheus alike. Each counts its own, in the default registry."""

from collections.abc import Iterator

from prometheus_client import REGISTRY, disable_created_metrics, generate_latest
from prometheus_client.core import InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from perdure import __version__

disable_created_metrics()  # type: ignore[no-untyped-call]


class Build(Collector):
    """Which process this is, and of which version."""

    def __init__(self, process: str) -> None:
        self._process = process

    def collect(self) -> Iterator[Metric]:
        """One family."""
        told = {"process": self._process, "version": __version__}
        yield InfoMetricFamily("perdure_build", "The process and its version.", value=told)


async def exposition() -> bytes:
    """All metrics of this process, in Prometheus's text format."""
    return generate_latest(REGISTRY)
