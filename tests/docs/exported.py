"""The names under which our processes tell Prometheus what they measure."""

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

import api.metrics
import api.run_gauges
import engine.deed_metrics
import store.metrics
from hosts.tunnels.board import BoardHealth
from hosts.tunnels.metrics import TunnelMetrics
from perdure.data_dir import DataDir
from proxy.limits import Limits
from proxy.metrics import exposition
from proxy.plane import Plane
from proxy.state import State
from server.metrics import PartMetrics

MODULES = (api.metrics, api.run_gauges, engine.deed_metrics, store.metrics)
"""Each adds its own to the registry of its process."""

SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "info": ("_info",),
    "gauge": ("",),
}
_TEMPORAL = re.compile(r"temporal_(?P<own>\w+?)(_total|_bucket|_count|_sum)?")


async def families(folder: Path) -> list[Metric]:
    """What API, worker, proxy, tunnels and supervisor tell of themselves."""
    state = State()
    state.temporal_up = state.api_up = True
    proxy = (await exposition(Plane(tunnels=folder, limits=Limits()), state)).decode()
    server = await PartMetrics([], DataDir(folder)).exposition()
    tunnels = TunnelMetrics(lambda: BoardHealth(machines=()))
    texts = (proxy, server.decode())
    told = [family for text in texts for family in text_string_to_metric_families(text)]
    return [*REGISTRY.collect(), *tunnels.collect(), *told]


def names(found: Iterable[Metric]) -> Iterator[str]:
    """Of their samples, as they are asked for."""
    for family in found:
        for suffix in SUFFIXES.get(family.type, ("",)):
            yield family.name + suffix


def sdk_has(name: str) -> bool:
    """Whether Temporal's SDK measures it: its names are in its library, without our suffixes."""
    match = _TEMPORAL.fullmatch(name)
    return match is not None and match["own"].encode() in _library()


def _library() -> bytes:
    spec = find_spec("temporalio.bridge")
    assert spec is not None
    assert spec.submodule_search_locations
    (library,) = Path(spec.submodule_search_locations[0]).glob("*.so")
    return library.read_bytes()
