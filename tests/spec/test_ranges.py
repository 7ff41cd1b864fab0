"""`N` is exactly N, `N..` at least, `..M` at most, `N..M` between, both ends included."""

import pytest
from hypothesis import given
from pydantic import ValidationError

from spec.ranges import CountRange, SizeRange
from tests.spec.strategies import count_ranges, size_ranges


@pytest.mark.parametrize(
    ("written", "ends"),
    [
        ("2", (2, 2)),
        (2, (2, 2)),
        ("2..", (2, None)),
        ("..8", (None, 8)),
        ("2..8", (2, 8)),
        ("2 .. 8", (2, 8)),
        ({"min": 2}, (2, None)),
        ({"min": 2, "max": "8"}, (2, 8)),
    ],
)
def test_a_range_has_two_ends_and_may_be_open(
    written: object, ends: tuple[int | None, int | None]
) -> None:
    found = CountRange.model_validate(written)
    assert (found.min, found.max) == ends


@pytest.mark.parametrize("written", ["..", "8..2", "", "a", "1.5", -1, "-1..2", True, None, {}])
def test_a_range_without_ends_or_in_the_wrong_order_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        CountRange.model_validate(written)


def test_the_ends_belong_to_the_range() -> None:
    sizes = SizeRange.model_validate("24GB..80GB")
    assert [sizes.holds(value) for value in (23.9, 24, 80, 80.1)] == [False, True, True, False]
    assert SizeRange.model_validate("24GB..").holds(1e9)
    assert SizeRange.model_validate("..24GB").holds(0)


@given(count_ranges())
def test_a_written_count_range_reads_back(value: CountRange) -> None:
    assert CountRange.model_validate(str(value)) == value


@given(size_ranges())
def test_a_written_size_range_reads_back(value: SizeRange) -> None:
    assert SizeRange.model_validate(str(value)) == value
