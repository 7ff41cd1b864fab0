"""What the tunnels process tells Prometheus."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hosts.tunnels.board import BoardHealth


class TunnelMetrics(Collector):
    """Made from the board's health when it is asked for."""

    def __init__(self, health: Callable[[], BoardHealth]) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        machines = GaugeMetricFamily(
            "perdure_tunnels_machines", "Machines with tunnels, by state.", labels=["state"]
        )
        found = self._health().machines
        for state in sorted({each.state for each in found}):
            machines.add_metric([state], sum(each.state is state for each in found))
        yield machines
        tunnels = [tunnel for machine in found for tunnel in machine.tunnels]
        yield GaugeMetricFamily("perdure_tunnels_wanted", "Tunnels in all.", value=len(tunnels))
        yield GaugeMetricFamily(
            "perdure_tunnels_open", "Tunnels that are open.", value=sum(t.open for t in tunnels)
        )
