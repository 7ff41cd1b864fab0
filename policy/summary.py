"""What is said of a replica's place, and how it is known to be ready."""

from policy.placement import chosen_gpus
from spec.deeds import Instance, ReadyOrder
from spec.machine import Gpu
from spec.model_endpoint import OpenAIModel
from spec.offer import Offer
from spec.resources import Resources
from spec.run import Placement
from spec.service import ServiceConfiguration


def resources_text(offer: Offer, gpus: tuple[Gpu, ...]) -> str:
    """An offer's size in the words of the plan: `27xCPU, 150GB, A5000:24GB:3`."""
    parts = [f"{offer.cpus}xCPU", f"{offer.memory:.0f}GB"]
    if gpus:
        parts.append(f"{gpus[0].name}:{gpus[0].memory:g}GB:{len(gpus)}")
    return ", ".join(parts)


def placement_of(offer: Offer, asked: Resources) -> Placement:
    """Where a replica goes when it takes this offer."""
    gpus = chosen_gpus(asked, offer.gpus) or ()
    return Placement(
        backend=offer.backend,
        region=offer.region,
        instance_type=offer.instance_type,
        resources=resources_text(offer, gpus),
        price=offer.price,
    )


def ready_order(instance: Instance, address: str, asked: ServiceConfiguration) -> ReadyOrder:
    """Ready is: the port accepts connections; with a model, that its API lists models too."""
    model = asked.model
    path = f"{model.prefix.rstrip('/')}/models" if isinstance(model, OpenAIModel) else None
    return ReadyOrder(instance=instance, address=address, port=asked.port, model_path=path)
