"""Moments of the past, as queries name them: a time, or how long ago."""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from perdure.errors import InvalidInput
from spec.units import parse_duration

MOMENT = TypeAdapter(datetime)


def moment(given: str | None, now: datetime, name: str = "since") -> datetime | None:
    """The time that `given` means: ISO 8601, or a duration before `now`. Raises `InvalidInput`.

    A time without a zone is the server's local one. `name` is the query's own word for it.
    """
    if given is None:
        return None
    try:
        return _ago(given, now) or MOMENT.validate_python(given).astimezone(UTC)
    except (ValidationError, OverflowError, ValueError) as error:
        raise InvalidInput(
            f"`{name}` is neither a time nor a duration.", hint="Write it as in `90s` or `1h`."
        ) from error


def _ago(given: str, now: datetime) -> datetime | None:
    try:
        return now - timedelta(seconds=parse_duration(given))
    except PydanticCustomError:
        return None
