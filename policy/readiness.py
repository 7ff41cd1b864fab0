"""How a replica is known to be ready."""

from datetime import datetime

from spec.deeds import Instance, ReadyOrder
from spec.model_endpoint import OpenAIModel
from spec.service import ServiceConfiguration


def ready_order(
    instance: Instance, address: str, asked: ServiceConfiguration, now: datetime
) -> ReadyOrder:
    """Ready is: the port accepts connections; with a model, that its API lists models too."""
    model = asked.model
    path = f"{model.prefix.rstrip('/')}/models" if isinstance(model, OpenAIModel) else None
    return ReadyOrder(
        instance=instance, address=address, port=asked.port, model_path=path, since=now
    )
