"""Moments of the past, as queries name them: a time, or how long ago."""

from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from perdure.errors import InvalidInput
from spec.units import parse_duration

MOMENT = TypeAdapter(datetime)


def moment(since: str | None, now: datetime) -> datetime | None:
    """The time that `since` means: ISO 8601, or a duration before `now`. Raises `InvalidInput`."""
    if since is None:
        return None
    try:
        return _ago(since, now) or MOMENT.validate_python(since).astimezone()
    except (ValidationError, OverflowError, ValueError) as error:
        raise InvalidInput(
            "`since` is neither a time nor a duration.", hint="Write it as in `90s` or `1h`."
        ) from error


def _ago(since: str, now: datetime) -> datetime | None:
    try:
        return now - timedelta(seconds=parse_duration(since))
    except PydanticCustomError:
        return None
