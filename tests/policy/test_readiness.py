"""How a replica is known to be ready."""

import pytest

from policy.readiness import ready_order
from spec.deeds import Instance
from tests.policy.making import NOW, service


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (None, None),
        ("llama", "/v1/models"),
        ({"name": "m", "format": "openai", "prefix": "/"}, "/models"),
        ({"name": "m", "format": "openai", "prefix": "/api/"}, "/api/models"),
    ],
)
def test_a_model_is_ready_when_it_lists_its_models(model: object, path: str | None) -> None:
    instance = Instance(token="t-1", backend="local")
    order = ready_order(instance, "tcp://10.0.0.1:80", service(model=model, port=80), NOW)
    assert (order.instance, order.address, order.port) == (instance, "tcp://10.0.0.1:80", 80)
    assert (order.model_path, order.since) == (path, NOW)
