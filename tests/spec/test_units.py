"""Durations are whole seconds; sizes are GB."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from pydantic_core import PydanticCustomError

from spec.units import format_duration, format_price, format_size, parse_duration, parse_size
from tests.spec.strategies import seconds, sizes


@pytest.mark.parametrize(
    ("written", "expected"),
    [(90, 90), (90.7, 90), ("90", 90), ("90 s", 90), ("5m", 300), ("1 h", 3600), ("2d", 172_800)],
)
def test_a_duration_is_seconds_or_a_number_with_its_unit(written: Any, expected: int) -> None:
    assert parse_duration(written) == expected


@pytest.mark.parametrize(
    "written", ["", "1h30m", "1H", "5 minutes", "1.5h", "500ms", "9" * 400, True, None]
)
def test_nothing_else_is_a_duration(written: Any) -> None:
    with pytest.raises(PydanticCustomError, match="not a duration"):
        parse_duration(written)


@pytest.mark.parametrize("written", ["3651d", "99999999999999d", 10**14, "-3651d", 3e14])
def test_a_duration_beyond_ten_years_is_a_mistake(written: Any) -> None:
    with pytest.raises(PydanticCustomError, match="longer than ten years"):
        parse_duration(written)


@given(seconds)
def test_a_date_in_so_many_seconds_can_be_told(duration: int) -> None:
    assert datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=duration)
    assert parse_duration(duration) == parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("written", ["1025TB", 10**7, "999999999999999TB"])
def test_a_size_beyond_all_machines_is_a_mistake(written: Any) -> None:
    with pytest.raises(PydanticCustomError, match="more than any machine has"):
        parse_size(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (8, 8.0),
        ("8", 8.0),
        ("24GB", 24.0),
        ("24 gb", 24.0),
        ("0.5TB", 512.0),
        ("16384MB", 16.0),
        (".5GB", 0.5),
        (1e-7, 1e-7),
    ],
)
def test_a_size_is_gigabytes_or_a_number_with_its_unit(written: Any, expected: float) -> None:
    assert parse_size(written) == expected


@pytest.mark.parametrize(
    "written", ["", "8KB", "8GiB", "8G", "-1GB", -1, "9" * 400, True, None, "GB"]
)
def test_nothing_else_is_a_size(written: Any) -> None:
    with pytest.raises(PydanticCustomError, match="not a size"):
        parse_size(written)


def test_units_are_written_as_people_do() -> None:
    assert [format_duration(value) for value in (0, 90, 300, 3600, 86_400)] == [
        "0s",
        "90s",
        "5m",
        "1h",
        "1d",
    ]
    assert [format_size(value) for value in (24, 0.5, 512, 1.5)] == [
        "24GB",
        "512MB",
        "512GB",
        "1536MB",
    ]


@given(seconds)
def test_a_written_duration_reads_back(value: int) -> None:
    assert parse_duration(format_duration(value)) == value


@given(sizes)
def test_a_written_size_reads_back(value: float) -> None:
    assert parse_size(format_size(value)) == value


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (None, "-"),
        (0, "$0"),
        (0.5, "$0.50"),
        (4.5, "$4.50"),
        (0.0042, "$0.0042"),
        (0.002, "$0.002"),
    ],
)
def test_a_price_is_in_cents_and_finer_only_below_one(price: float | None, text: str) -> None:
    assert format_price(price) == text
