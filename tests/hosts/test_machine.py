"""A machine is described in the words and sizes that configurations use."""

from pathlib import Path

import pytest

from hosts import machine
from spec.machine import GpuVendor, RuntimeKind


@pytest.mark.parametrize(
    ("product", "name"),
    [
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA A10G", "A10G"),
        ("Tesla T4", "T4"),
        ("Tesla V100-SXM2-16GB", "V100"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA GeForce RTX 4090", "RTX4090"),
        ("NVIDIA GeForce RTX 3080 Ti", "RTX3080Ti"),
        ("NVIDIA RTX A6000", "A6000"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX6000Ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTXPRO6000"),
        ("NVIDIA GH200 480GB", "GH200"),
    ],
)
def test_a_gpu_has_its_short_name(product: str, name: str) -> None:
    assert machine.short_name(product) == name


class Driver:
    """One GPU, as NVML tells of it."""

    NVMLError = RuntimeError

    def __init__(self, product: str, mebibytes: int) -> None:
        self.product, self.mebibytes = product, mebibytes
        self.is_open = False
        self.used: int | None = 7

    def nvmlInit(self) -> None:  # noqa: N802
        self.is_open = True

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return self.product

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        return f"GPU-{handle}"

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> list[int]:  # noqa: N802
        return [8, 9]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> object:  # noqa: N802
        return type("Memory", (), {"total": self.mebibytes << 20})

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> object:  # noqa: N802
        if self.used is None:
            raise self.NVMLError("Not supported")
        return type("Utilization", (), {"gpu": self.used})


@pytest.mark.parametrize(
    ("product", "mebibytes", "name", "memory"),
    [
        ("NVIDIA GH200 480GB", 97871, "GH200", 96),
        ("NVIDIA GH200 144G HBM3e", 143771, "GH200", 144),
        ("NVIDIA A10G", 22888, "A10G", 24),
        ("NVIDIA H100 80GB HBM3", 81559, "H100", 80),
        ("NVIDIA L4", 23034, "L4", 24),
        ("Tesla T4", 15360, "T4", 16),
    ],
)
def test_a_gpu_is_what_the_driver_says_in_the_sizes_that_are_sold(
    monkeypatch: pytest.MonkeyPatch, product: str, mebibytes: int, name: str, memory: float
) -> None:
    driver = Driver(product, mebibytes)
    monkeypatch.setattr(machine, "pynvml", driver)
    (gpu,) = machine.gpus()
    assert (gpu.id, gpu.vendor, gpu.name, gpu.memory) == ("GPU-0", GpuVendor.NVIDIA, name, memory)
    assert gpu.compute_capability == (8, 9)
    assert not driver.is_open


@pytest.mark.parametrize(("used", "told"), [(7, {"GPU-0": 7}), (None, {})])
def test_a_gpu_tells_how_much_of_it_is_used_if_it_can(
    monkeypatch: pytest.MonkeyPatch, used: int | None, told: dict[str, int]
) -> None:
    driver = Driver("NVIDIA L4", 23034)
    driver.used = used
    monkeypatch.setattr(machine, "pynvml", driver)
    assert machine.gpu_utilization() == told


def test_a_quota_of_cpus_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "CPU_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))
    (tmp_path / "cpu.max").write_text("350000 100000\n")
    assert machine.cpus() == 3
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert machine.cpus() == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.cpus() == 16


def test_a_limit_of_memory_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "MEMORY_LIMITS", (limit, tmp_path / "none"))
    limit.write_text("1073741824\n")
    assert machine.memory() == machine.GIB
    limit.write_text("max\n")
    assert machine.memory() > machine.GIB


def test_this_machine_has_cpus_memory_and_disk(tmp_path: Path) -> None:
    measured = machine.this_machine(RuntimeKind.PROCESS, tmp_path)
    assert measured.cpus >= 1
    assert measured.memory > 0.1
    assert measured.disk > 0
