"""Offers: places where a replica could run, with their price."""

from enum import StrEnum

from spec.machine import CpuArch, Gpu, RuntimeKind
from spec.public import Model, PublicModel
from spec.service import ServiceConfiguration


class Offer(PublicModel):
    """A place to run. `price` is in USD per hour, None when unknown; `memory`, `disk` in GB."""

    backend: str
    region: str
    zone: str = ""
    instance_type: str
    runtime: RuntimeKind
    cpu_arch: CpuArch
    cpus: int
    memory: float
    disk: float
    gpus: tuple[Gpu, ...] = ()
    spot: bool = False
    price: float | None = None
    available: bool = True

    @property
    def resources(self) -> str:
        """The size as people read it: `27xCPU, 150GB, A5000:24GB:3`."""
        parts = [f"{self.cpus}xCPU", f"{self.memory:.0f}GB"]
        if self.gpus:
            parts.append(f"{self.gpus[0].name}:{self.gpus[0].memory:g}GB:{len(self.gpus)}")
        return ", ".join(parts)

    @property
    def place(self) -> str:
        """`backend/region/zone`, as it stands in idempotency tokens."""
        return "/".join(part for part in (self.backend, self.region, self.zone) if part)


class OfferQuery(Model):
    """What is sought; the configuration carries no secret values.

    `requested` are the properties of `resources` that the user wrote, the others are defaults.
    """

    configuration: ServiceConfiguration
    requested: tuple[str, ...] = ()


class RefusalKind(StrEnum):
    """What stands in the way: what there is, what is asked for, or what runs."""

    CAPACITY = "capacity"
    UNSUPPORTED = "unsupported"
    STATE = "state"


class Refusal(Model):
    """Why something is refused.

    `subject` is what the kind is about: the backend that has no place (`CAPACITY`), the property
    of the configuration that no place here can honour (`UNSUPPORTED`), the run that is not to be
    changed now (`STATE`).
    """

    subject: str
    message: str
    hint: str = ""
    kind: RefusalKind = RefusalKind.UNSUPPORTED


class OfferList(Model):
    """Offers that fit, best first.

    `refusals` say why a backend offers nothing, `warnings` what will be different from what was
    asked.
    """

    offers: tuple[Offer, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
