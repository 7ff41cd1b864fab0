"""Nominal facts of accelerators: who makes them, how much memory they have.

Memory is what the maker sells, in GB per device, one number for each variant; compute capability
is from NVIDIA's table "CUDA GPU Compute Capability". Drivers report somewhat less memory.
"""

import re
from collections.abc import Iterable

from spec.machine import GpuVendor
from spec.public import PublicModel

_TPU = re.compile(r"v\d+[a-z]*-\d+", re.IGNORECASE)


class Accelerator(PublicModel):
    """A model of accelerator. `memory` in GB, all variants."""

    name: str
    vendor: GpuVendor
    memory: tuple[float, ...]
    compute_capability: tuple[int, int] | None = None


def _nvidia(name: str, capability: tuple[int, int], *memory: float) -> Accelerator:
    return Accelerator(
        name=name, vendor=GpuVendor.NVIDIA, memory=memory, compute_capability=capability
    )


def _other(vendor: GpuVendor, name: str, *memory: float) -> Accelerator:
    return Accelerator(name=name, vendor=vendor, memory=memory)


ACCELERATORS: tuple[Accelerator, ...] = (
    _nvidia("B300", (10, 3), 288),
    _nvidia("B200", (10, 0), 180, 192),
    _nvidia("GH200", (9, 0), 96, 144),
    _nvidia("H200", (9, 0), 141),
    _nvidia("H100", (9, 0), 80, 94),
    _nvidia("H100NVL", (9, 0), 94),
    _nvidia("L40S", (8, 9), 48),
    _nvidia("L40", (8, 9), 48),
    _nvidia("L4", (8, 9), 24),
    _nvidia("A100", (8, 0), 40, 80),
    _nvidia("A30", (8, 0), 24),
    _nvidia("A40", (8, 6), 48),
    _nvidia("A16", (8, 6), 16),
    _nvidia("A10G", (8, 6), 24),
    _nvidia("A10", (8, 6), 24),
    _nvidia("A2", (8, 6), 16),
    _nvidia("A6000", (8, 6), 48),
    _nvidia("A5000", (8, 6), 24),
    _nvidia("A4500", (8, 6), 20),
    _nvidia("A4000", (8, 6), 16),
    _nvidia("RTXPRO6000", (12, 0), 96),
    _nvidia("RTX5090", (12, 0), 32),
    _nvidia("RTX5080", (12, 0), 16),
    _nvidia("RTX4090", (8, 9), 24),
    _nvidia("RTX4080", (8, 9), 16),
    _nvidia("RTX3090", (8, 6), 24),
    _nvidia("RTX3080", (8, 6), 10, 12),
    _nvidia("RTX6000Ada", (8, 9), 48),
    _nvidia("RTX5000Ada", (8, 9), 32),
    _nvidia("RTX4000Ada", (8, 9), 20),
    _nvidia("RTX2000Ada", (8, 9), 16),
    _nvidia("RTX6000", (7, 5), 24),
    _nvidia("T4G", (7, 5), 16),
    _nvidia("T4", (7, 5), 16),
    _nvidia("V100", (7, 0), 16, 32),
    _nvidia("P100", (6, 0), 12, 16),
    _nvidia("P40", (6, 1), 24),
    _nvidia("P4", (6, 1), 8),
    _other(GpuVendor.AMD, "MI355X", 288),
    _other(GpuVendor.AMD, "MI350X", 288),
    _other(GpuVendor.AMD, "MI325X", 256),
    _other(GpuVendor.AMD, "MI300X", 192),
    _other(GpuVendor.AMD, "MI300A", 128),
    _other(GpuVendor.AMD, "MI250X", 128),
    _other(GpuVendor.AMD, "MI250", 128),
    _other(GpuVendor.AMD, "MI210", 64),
    _other(GpuVendor.AMD, "MI100", 32),
    _other(GpuVendor.INTEL, "Gaudi3", 128),
    _other(GpuVendor.INTEL, "Gaudi2", 96),
    _other(GpuVendor.INTEL, "Gaudi", 32),
    _other(GpuVendor.TENSTORRENT, "n150", 12),
    _other(GpuVendor.TENSTORRENT, "n300", 24),
)
"""All accelerators that we know; TPUs are known by the shape of their names."""

_BY_NAME = {accelerator.name.lower(): accelerator for accelerator in ACCELERATORS}


def find_accelerator(name: str) -> Accelerator | None:
    """The facts for a name in any case, or None; TPUs have none."""
    return _BY_NAME.get(name.lower())


def is_tpu(name: str) -> bool:
    """Whether this is a TPU's name, such as `v5litepod-4`."""
    return _TPU.fullmatch(name) is not None


def vendor_of(names: Iterable[str]) -> GpuVendor | None:
    """The one maker of all `names`; None when one is unknown, or there are several makers."""
    vendors = {_vendor(name) for name in names}
    return vendors.pop() if len(vendors) == 1 else None


def nominal_memory(name: str, reported: float) -> float:
    """The nominal GB of a device whose driver reports `reported` GB.

    The smallest variant that is not smaller than what is reported. Drivers and error correction
    keep up to 8 %: an unknown device has the size within that, if there is such a one.
    """
    accelerator = find_accelerator(name)
    variants = accelerator.memory if accelerator else _within(reported)
    return min((size for size in variants if size >= reported), default=round(reported, 1))


def _within(reported: float) -> tuple[float, ...]:
    sizes = {size for accelerator in ACCELERATORS for size in accelerator.memory}
    return tuple(size for size in sizes if size * 0.92 <= reported)


def _vendor(name: str) -> GpuVendor | None:
    if is_tpu(name):
        return GpuVendor.GOOGLE
    accelerator = find_accelerator(name)
    return accelerator.vendor if accelerator else None
