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


@pytest.mark.parametrize(
    ("mebibytes", "gigabytes"),
    [
        (15360, 16),  # T4
        (16160, 16),  # V100
        (22888, 24),  # A10G, as its cloud says
        (23028, 24),  # L4
        (24564, 24),  # RTX 4090
        (40960, 40),  # A100
        (45776, 48),  # L40S
        (46068, 48),  # L40S, as its driver says
        (49140, 48),  # A6000
        (81559, 80),  # H100
        (81920, 80),  # A100
        (95830, 94),  # H100 NVL
        (97871, 96),  # GH200
        (143771, 141),  # H200
        (183359, 180),  # B200
    ],
)
def test_a_gpus_memory_is_the_size_it_is_sold_with(mebibytes: int, gigabytes: float) -> None:
    assert machine.nominal_memory(mebibytes << 20) == gigabytes


class Driver:
    """Two GPUs, as NVML tells of them."""

    NVMLError = RuntimeError

    def __init__(self) -> None:
        self.is_open = False

    def nvmlInit(self) -> None:  # noqa: N802
        self.is_open = True

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.is_open = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return "NVIDIA L4"

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        return f"GPU-{handle}"

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> list[int]:  # noqa: N802
        return [8, 9]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> object:  # noqa: N802
        return type("Memory", (), {"total": 23034 << 20})


def test_gpus_are_those_that_the_driver_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()
    monkeypatch.setattr(machine, "pynvml", driver)
    first, second = machine.gpus()
    assert (first.id, second.id) == ("GPU-0", "GPU-1")
    assert (first.vendor, first.name, first.memory) == (GpuVendor.NVIDIA, "L4", 24.0)
    assert first.compute_capability == (8, 9)
    assert not driver.is_open


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
