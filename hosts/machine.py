"""What this machine has: CPUs, memory, disk and NVIDIA GPUs."""

import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pynvml  # type: ignore[import-untyped]

from spec.accelerators import nominal_memory
from spec.machine import CpuArch, Gpu, GpuVendor, Machine, RuntimeKind

GIB = 1 << 30
# Where cgroup v2 and v1 tell a process's limit of memory, in bytes.
MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# cgroup v2 tells "quota period" in one file, v1 in two; in microseconds, no quota: "max" or -1.
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
CPU_QUOTA_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
CPU_PERIOD_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def this_machine(runtime: RuntimeKind, folder: Path) -> Machine:
    """Measure now; the disk is the one of `folder`."""
    return Machine(
        runtime=runtime,
        cpu_arch=CpuArch.ARM if platform.machine() in ("aarch64", "arm64") else CpuArch.X86,
        cpus=cpus(),
        memory=round(memory() / GIB, 2),
        disk=round(shutil.disk_usage(folder).free / GIB, 2),
        gpus=gpus(),
    )


def cpus() -> int:
    """CPUs that a process started by us can use: by affinity, and by the control group's quota."""
    usable = len(os.sched_getaffinity(0))
    quota, period = _cpu_quota()
    return max(1, min(usable, quota // period)) if quota > 0 and period > 0 else usable


def memory() -> int:
    """Bytes of memory: the machine's, or the control group's limit where that is less."""
    limits = [limit for limit in (_number(path) for path in MEMORY_LIMITS) if limit > 0]
    return min([psutil.virtual_memory().total, *limits])


def _cpu_quota() -> tuple[int, int]:
    try:
        quota, period = CPU_QUOTA.read_text().split()
    except (OSError, ValueError):
        return _number(CPU_QUOTA_V1), _number(CPU_PERIOD_V1)
    return (int(quota), int(period)) if quota.isdigit() else (-1, -1)


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return -1


def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that the driver knows; none without a driver."""
    with _nvml() as count:
        return tuple(_gpu(pynvml.nvmlDeviceGetHandleByIndex(index)) for index in range(count))


def gpu_utilization() -> dict[str, int]:
    """How much of each GPU is used now, in percent by its id; of none that does not tell."""
    found = {}
    with _nvml() as count:
        for index in range(count):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            with suppress(pynvml.NVMLError):
                used = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
                found[pynvml.nvmlDeviceGetUUID(handle)] = int(used)
    return found


@contextmanager
def _nvml() -> Iterator[int]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield 0
        return
    try:
        yield pynvml.nvmlDeviceGetCount()
    finally:
        pynvml.nvmlShutdown()


def _gpu(handle: object) -> Gpu:
    model = short_name(pynvml.nvmlDeviceGetName(handle))
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Gpu(
        id=pynvml.nvmlDeviceGetUUID(handle),
        vendor=GpuVendor.NVIDIA,
        name=model,
        memory=nominal_memory(model, pynvml.nvmlDeviceGetMemoryInfo(handle).total / GIB),
        compute_capability=(major, minor),
    )


def short_name(product: str) -> str:
    """The name that configurations use: `NVIDIA A100-SXM4-80GB` is `A100`."""
    words = re.sub(r"NVIDIA|Tesla|GeForce|-", " ", product).split()
    if words[:1] != ["RTX"]:
        return words[0]
    if words[1:2] == ["PRO"]:
        return "".join(words[:3])
    if words[1].startswith("A"):
        return words[1]
    return "".join([*words[:2], *(word for word in words[2:] if word in ("Ada", "Ti", "SUPER"))])
