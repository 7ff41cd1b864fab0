"""How a replica is known to be ready, and to stay healthy."""

from datetime import datetime

from policy.probing import lasting, probes_of
from spec.deeds import Instance, MonitorOrder, ReadyOrder, ReplicaStart
from spec.model_endpoint import OpenAIModel


def ready_order(instance: Instance, address: str, start: ReplicaStart, now: datetime) -> ReadyOrder:
    """Ready is: the port accepts connections, and the probes have their successes.

    In a version without probes a model's API had to list models instead.
    """
    asked = start.spec.configuration
    probes = probes_of(start)
    path = None
    if isinstance(asked.model, OpenAIModel) and not probes and not start.elastic:
        path = f"{asked.model.prefix.rstrip('/')}/models"
    return ReadyOrder(
        instance=instance,
        address=address,
        port=asked.port,
        model_path=path,
        since=now,
        probes=probes,
    )


def monitor_order(
    instance: Instance, address: str, start: ReplicaStart, now: datetime
) -> MonitorOrder:
    """Watch a replica that is ready."""
    return MonitorOrder(
        instance=instance,
        owner=start.owner,
        incarnation=start.incarnation,
        address=address,
        probes=lasting(probes_of(start)),
        since=now,
        utilization=start.spec.configuration.utilization_policy,
    )
