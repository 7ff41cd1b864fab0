"""Machines of a fixed size that run nothing: plans are made for them."""

from collections.abc import AsyncGenerator
from datetime import timedelta

from hosts.base import Progress
from spec.accelerators import find_accelerator
from spec.job import Job, JobState
from spec.log import LogBatch
from spec.machine import CpuArch, Gpu, GpuVendor, Machine, RuntimeFacts, RuntimeKind

NO_GPU: tuple[Gpu, ...] = ()


def gpus(name: str, memory: float, count: int = 1) -> tuple[Gpu, ...]:
    """That many of them."""
    known = find_accelerator(name)
    assert known is not None
    return tuple(
        Gpu(
            id=f"GPU-{name}-{number}",
            vendor=GpuVendor.NVIDIA,
            name=name,
            memory=memory,
            compute_capability=known.compute_capability,
        )
        for number in range(count)
    )


class SizedRuntime:
    """32 CPUs, 128 GB of memory, 500 GB of disk, these GPUs, and Docker. Only plans ask it."""

    def __init__(self, gpus: tuple[Gpu, ...]) -> None:
        self._gpus = gpus

    async def machine(self) -> Machine:
        return Machine(
            runtime=RuntimeKind.DOCKER,
            cpu_arch=CpuArch.X86,
            cpus=32,
            memory=128,
            disk=500,
            gpus=self._gpus,
        )

    async def facts(self) -> RuntimeFacts:
        return RuntimeFacts()

    async def utilization(self) -> dict[str, int]:
        raise NotImplementedError

    async def pull(self, job: Job, progress: Progress) -> None:
        raise NotImplementedError

    async def start(self, job: Job) -> JobState:
        raise NotImplementedError

    async def state(self, token: str) -> JobState:
        raise NotImplementedError

    async def wait(self, token: str) -> JobState:
        raise NotImplementedError

    def follow(self, token: str, cursor: str) -> AsyncGenerator[LogBatch, None]:
        raise NotImplementedError

    async def stop(self, token: str, grace: timedelta) -> JobState:
        raise NotImplementedError

    async def remove(self, token: str) -> bool:
        raise NotImplementedError

    async def tokens(self) -> frozenset[str]:
        raise NotImplementedError
