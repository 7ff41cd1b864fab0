"""Offers: places where a replica could run, with their price."""

from collections import Counter
from enum import StrEnum
from typing import Self

from spec.machine import CpuArch, Gpu, RuntimeKind
from spec.public import Model, PublicModel
from spec.run_spec import RunSpec
from spec.service import ServiceConfiguration
from spec.units import format_size


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
        """The size as people read it: `27xCPU, 150GB, A5000:24GB:3`, each kind of GPU once."""
        parts = [f"{self.cpus}xCPU", format_size(round(self.memory))]
        for (name, memory), count in Counter((gpu.name, gpu.memory) for gpu in self.gpus).items():
            parts.append(f"{name}:{format_size(memory)}:{count}")
        return ", ".join(parts)

    @property
    def place(self) -> str:
        """`backend/region/zone`, as it stands in idempotency tokens."""
        return "/".join(part for part in (self.backend, self.region, self.zone) if part)


class OfferQuery(Model):
    """What is sought; the configuration carries no secret values.

    `requested` and `digests` are those of the run's specification.
    """

    configuration: ServiceConfiguration
    requested: tuple[str, ...] = ()
    digests: dict[str, str] = {}

    @classmethod
    def of(cls, spec: RunSpec) -> Self:
        """The search for a place where this can run."""
        return cls(configuration=spec.configuration, requested=spec.requested, digests=spec.digests)


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
    """Offers that fit, best first, and how many `more` there are behind them.

    `max_price` is the dearest of all in USD per hour; `refusals` say why a backend offers nothing,
    `warnings` what will be different from what was asked.
    """

    offers: tuple[Offer, ...] = ()
    more: int = 0
    max_price: float | None = None
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
