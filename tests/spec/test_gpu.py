"""The parts of a GPU request stand in any order, each at most once."""

from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from spec.gpu import GpuRequest
from tests.spec.strategies import long_gpus


@pytest.mark.parametrize(
    "written", ["nvidia:A100:80GB:2", "2:80GB:A100:NVIDIA", "A100 : nvidia : 2 : 80 GB"]
)
def test_the_order_of_the_parts_is_free(written: str) -> None:
    expected = {"vendor": "nvidia", "name": "A100", "memory": "80GB", "count": 2}
    assert GpuRequest.model_validate(written) == GpuRequest.model_validate(expected)


@pytest.mark.parametrize("written", ["A100:H100", "24GB:40GB", "1:2", "nvidia:amd"])
def test_each_part_is_given_once(written: str) -> None:
    with pytest.raises(ValidationError, match="twice"):
        GpuRequest.model_validate(written)


@pytest.mark.parametrize("written", ["A100:", ":", "A100::2", "A100,,H100", ""])
def test_no_part_is_empty(written: str) -> None:
    with pytest.raises(ValidationError, match="empty"):
        GpuRequest.model_validate(written)


def test_a_number_alone_is_a_count() -> None:
    request = GpuRequest.model_validate(24)
    assert (request.count.min, request.count.max, request.memory) == (24, 24, None)


@pytest.mark.parametrize(
    ("written", "own_image", "vendor"),
    [
        ("24GB", False, "nvidia"),
        ("24GB", True, None),
        ("A100,H100", True, "nvidia"),
        ("MI300X", False, "amd"),
        ("tpu-v5litepod-8", True, "google"),
        ("H100,MI300X", False, None),
        ("H100,UNKNOWN1000", False, None),
        ("tt", True, "tenstorrent"),
    ],
)
def test_the_vendor_follows_from_the_names(
    written: str, own_image: bool, vendor: str | None
) -> None:
    assert GpuRequest.model_validate(written).inferred_vendor(own_image=own_image) == vendor


@given(long_gpus)
def test_a_written_request_reads_back(written: dict[str, Any]) -> None:
    request = GpuRequest.model_validate(
        {key: part for key, part in written.items() if key not in _LONG_ONLY}
    )
    assert GpuRequest.model_validate(str(request)) == request


_LONG_ONLY = {"total_memory", "compute_capability"}
