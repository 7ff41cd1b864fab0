"""Times of the past, as people write them and as they are shown."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.past import past, shown
from perdure.errors import InvalidInput

NOW = datetime(2026, 11, 29, 12, 30, 15, tzinfo=UTC)
InZone = Callable[[str], None]


@pytest.fixture(autouse=True)
def berlin(in_zone: InZone) -> None:
    """An hour before UTC in winter."""
    in_zone("Europe/Berlin")


def begin(text: str, now: datetime = NOW) -> str:
    return past(text, now).begin.isoformat()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("03:12", "2026-11-29T02:12:00+00:00"),
        ("3:12", "2026-11-29T02:12:00+00:00"),
        ("13:30:15", "2026-11-29T12:30:15+00:00"),
        ("13:31", "2026-11-28T12:31:00+00:00"),
        ("03:12Z", "2026-11-29T03:12:00+00:00"),
        ("23:00-08:00", "2026-11-29T07:00:00+00:00"),
        ("2026-11-20", "2026-11-19T23:00:00+00:00"),
        ("2026-07-20", "2026-07-19T22:00:00+00:00"),
        ("2026-11-20 03:12", "2026-11-20T02:12:00+00:00"),
        ("2026-11-20T03:12:05", "2026-11-20T02:12:05+00:00"),
        ("2026-11-20t03:12:05z", "2026-11-20T03:12:05+00:00"),
        ("2026-11-20T03:12:05.25+05:30", "2026-11-19T21:42:05.250000+00:00"),
        (" 2026-11-20 03:12 +01:00 ", "2026-11-20T02:12:00+00:00"),
        ("1h", "2026-11-29T11:30:15+00:00"),
        ("2d", "2026-11-27T12:30:15+00:00"),
    ],
)
def test_a_time_is_local_unless_it_has_a_zone(text: str, meant: str) -> None:
    assert begin(text) == meant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-20", 86_400),
        ("2026-10-25", 90_000),  # the clocks are put back in its night
        ("03:12", 60),
        ("2026-11-20 03:12", 60),
        ("03:12:05", 1),
        ("2026-11-20T03:12:05Z", 1),
        ("2026-11-20T03:12:05.5Z", 1e-6),
        ("1h", 1e-6),
    ],
)
def test_what_is_written_lasts_to_its_end(text: str, seconds: float) -> None:
    found = past(text, NOW)
    length = timedelta(seconds=seconds) - timedelta(microseconds=1)
    assert found.end - found.begin == length


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "25:00", "03:60", "2026-02-30", "2026-11-29T", "yesterday 03:12"),
        *("2026-11-2903:12", "T03:12", "2026-11-29 03:12 CET", "0001-01-01", "03:12:05.", "1y"),
        *("9999-12-31T23:59:59-23:59", "٠٣:١٢", "999999999w"),
    ],
)
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no time") as refused:
        past(text, NOW)
    assert "`2026-11-29 03:12`" in refused.value.hint


def test_of_today_only_the_clock_is_shown() -> None:
    assert shown(datetime(2026, 11, 29, 2, 12, 4, tzinfo=UTC), NOW) == "03:12:04"
    assert shown(datetime(2026, 11, 28, 22, 59, tzinfo=UTC), NOW) == "2026-11-28 23:59:00"
    assert shown(datetime(2026, 11, 28, 23, 1, tzinfo=UTC), NOW) == "00:01:00"


@given(
    ago=st.timedeltas(timedelta(0), timedelta(days=300)),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_what_is_shown_can_be_asked_for_and_is_in_it(ago: timedelta, zone: str) -> None:
    moment = NOW - ago
    found = past(shown(moment, NOW), NOW)
    # In the hour that comes twice the first one is meant.
    hour = timedelta(hours=1)
    assert found.begin <= moment <= found.end + hour
    assert found.end - found.begin < timedelta(seconds=1)


@given(st.times())
def test_a_clocks_time_is_of_the_last_day_in_which_it_came(clock: object) -> None:
    text = f"{clock:%H:%M}"
    found = past(text, NOW)
    assert timedelta(0) <= NOW - found.begin < timedelta(days=1)
    assert f"{found.begin.astimezone():%H:%M}" == text
