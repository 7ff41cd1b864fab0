"""Resources read as one line of a plan; what nobody wrote has its default."""

from typing import Any

import pytest

from spec.accelerators import ACCELERATORS, find_accelerator, nominal_memory
from spec.resources import Resources


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ({}, "cpu=2.. mem=8GB.. disk=100GB.."),
        ({"gpu": "24GB"}, "cpu=2.. mem=8GB.. disk=100GB.. gpu=24GB:1"),
        ({"disk": None, "cpu": "arm:4"}, "cpu=arm:4 mem=8GB.."),
        ({"shm_size": "512MB"}, "cpu=2.. mem=8GB.. shm=512MB disk=100GB.."),
        (
            {"gpu": "nvidia:A10G,A100:40GB..:1..2"},
            "cpu=2.. mem=8GB.. disk=100GB.. gpu=nvidia:A10G,A100:40GB..:1..2",
        ),
    ],
)
def test_resources_are_one_line(written: dict[str, Any], line: str) -> None:
    assert str(Resources.model_validate(written)) == line


@pytest.mark.parametrize("written", ["ARM:4..", "4..:arm", {"arch": "arm", "count": {"min": 4}}])
def test_the_architecture_stands_before_or_after_the_count(written: Any) -> None:
    cpu = Resources.model_validate({"cpu": written}).cpu
    assert (cpu.arch, cpu.count.min, cpu.count.max) == ("arm", 4, None)


@pytest.mark.parametrize("written", ["arm:x86", "2:4", "arm:", "arm64", True, 2.5])
def test_a_cpu_request_has_one_architecture_and_one_count(written: Any) -> None:
    with pytest.raises(ValueError, match="cpu"):
        Resources.model_validate({"cpu": written})


def test_an_accelerator_is_found_in_any_case() -> None:
    found = find_accelerator("a10g")
    assert found is not None
    assert (found.name, found.vendor, found.memory) == ("A10G", "nvidia", (24,))
    assert found.compute_capability == (8, 6)
    assert len({accelerator.name.lower() for accelerator in ACCELERATORS}) == len(ACCELERATORS)


@pytest.mark.parametrize(
    ("name", "mebibytes", "nominal"),
    [
        ("T4", 15360, 16),
        ("V100", 16160, 16),
        ("A10G", 22888, 24),
        ("L4", 23034, 24),
        ("RTX4090", 24564, 24),
        ("A100", 40960, 40),
        ("A100", 81920, 80),
        ("L40S", 45776, 48),  # as its cloud says
        ("L40S", 46068, 48),
        ("A6000", 49140, 48),
        ("H100", 81559, 80),
        ("H100", 95830, 94),  # NVL
        ("GH200", 97871, 96),
        ("GH200", 143771, 144),
        ("H200", 143771, 141),
        ("B200", 183359, 180),
        ("unknown", 81251, 80),
        ("unknown", 11264, 11),
        ("unknown", 7100, 6.9),
    ],
)
def test_memory_is_the_size_that_a_device_is_sold_with(
    name: str, mebibytes: int, nominal: float
) -> None:
    assert nominal_memory(name, mebibytes / 1024) == nominal
