"""How a replica is known to be ready, and to stay healthy."""

from typing import Any

import pytest

from policy.probing import probes_of
from policy.readiness import monitor_order, ready_order
from spec.deeds import Instance
from spec.status import Health
from tests.policy.making import LIFE, NOW, replica_start

INSTANCE = Instance(token="t-1", backend="local")
ADDRESS = "tcp://10.0.0.1:80"
PROBES = [{"type": "http", "url": "/start", "until_ready": True}, {"type": "http", "url": "/live"}]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (None, None),
        ("llama", "/v1/models"),
        ({"name": "m", "format": "openai", "prefix": "/"}, "/models"),
        ({"name": "m", "format": "openai", "prefix": "/api/"}, "/api/models"),
    ],
)
def test_a_model_from_before_there_were_probes_is_ready_when_it_lists_its_models(
    model: object, path: str | None
) -> None:
    begun = replica_start(elastic=False, model=model, port=80)
    order = ready_order(INSTANCE, ADDRESS, begun, NOW)
    assert (order.instance, order.address, order.port) == (INSTANCE, ADDRESS, 80)
    assert (order.model_path, order.probes, order.since) == (path, (), NOW)
    assert monitor_order(INSTANCE, ADDRESS, begun, NOW).probes == ()


@pytest.mark.parametrize("elastic", [True, False])
@pytest.mark.parametrize("model", [None, "llama"])
def test_with_probes_nothing_else_is_asked(elastic: bool, model: str | None) -> None:
    order = ready_order(
        INSTANCE, ADDRESS, replica_start(elastic=elastic, model=model, probes=PROBES), NOW
    )
    assert [str(probe) for probe in order.probes] == ["GET /start", "GET /live"]
    assert order.model_path is None


@pytest.mark.parametrize("properties", [{}, {"probes": []}, {"model": "llama", "probes": []}])
def test_without_probes_the_port_alone_counts(properties: dict[str, Any]) -> None:
    order = ready_order(INSTANCE, ADDRESS, replica_start(**properties), NOW)
    assert (order.model_path, order.probes) == (None, ())


def test_a_ready_replica_is_watched_as_healthy_by_the_probes_that_last() -> None:
    begun = replica_start(probes=PROBES)
    order = monitor_order(INSTANCE, ADDRESS, begun, NOW)
    assert order.probes == probes_of(begun)[1:]
    assert (order.health, order.since, order.address) == (Health.HEALTHY, NOW, ADDRESS)
    assert (order.owner, order.incarnation) == ("run/main/web", LIFE)
