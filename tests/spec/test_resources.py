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
    ("name", "reported", "nominal"),
    [("A10G", 22.35, 24), ("A100", 39.6, 40), ("A100", 79.2, 80), ("T4", 14.6, 16), ("X1", 7, 7)],
)
def test_memory_is_compared_by_its_nominal_size(name: str, reported: float, nominal: float) -> None:
    assert nominal_memory(name, reported) == nominal
