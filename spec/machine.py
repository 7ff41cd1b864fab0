"""What a machine has, and which runtime works on it."""

from enum import StrEnum

from spec.public import PublicModel


class RuntimeKind(StrEnum):
    """How replicas run on a machine."""

    DOCKER = "docker"
    PROCESS = "process"


class CpuArch(StrEnum):
    """Processor architectures, in the configuration's words."""

    X86 = "x86"
    ARM = "arm"


class GpuVendor(StrEnum):
    """Makers of accelerators."""

    NVIDIA = "nvidia"
    AMD = "amd"
    GOOGLE = "google"
    INTEL = "intel"
    TENSTORRENT = "tenstorrent"


class Gpu(PublicModel):
    """One accelerator. `memory` is the nominal size in GB; `id` is the driver's UUID."""

    id: str
    vendor: GpuVendor
    name: str
    memory: float
    compute_capability: tuple[int, int] | None = None


class RuntimeFacts(PublicModel):
    """What a runtime can give to a replica, as far as that differs between machines.

    Of plain processes: the versions in `pythons`, and ports from `first_port` on.
    """

    pythons: tuple[str, ...] = ()
    first_port: int = 1


class Machine(PublicModel):
    """A machine's size. `memory` and `disk` in GB; `disk` is what is free."""

    runtime: RuntimeKind
    cpu_arch: CpuArch
    cpus: int
    memory: float
    disk: float
    gpus: tuple[Gpu, ...] = ()
