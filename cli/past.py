"""Times of the past: as people write them, and as they are shown to them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from perdure.errors import InvalidInput
from spec.units import parse_duration

_WRITTEN = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)?"
    r"(?:(?<=\d)[Tt ]|(?<!\d))"
    r"(?P<clock>(?P<hour>\d{1,2}):\d\d(?P<seconds>:\d\d(?P<fraction>\.\d+)?)?)"
    r" ?(?P<zone>[Zz]|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LEAST = timedelta(microseconds=1)


@dataclass(frozen=True)
class Past:
    """What was written, from its `begin` to its `end`: `03:12` is a minute long, `1h` no time.

    So what is shown to the second can be asked for as it is shown.
    """

    begin: datetime
    end: datetime


def past(text: str, now: datetime) -> Past:
    """The time that `text` means, with its zone. Raises `InvalidInput`.

    `03:12` is the last one before `now`, of today or yesterday; `2026-11-29`, with or without a
    clock's time behind it, and RFC 3339; `1h` is that long ago. Without a zone it is local.
    """
    try:
        return _ago(text, now) or _written(text.strip(), now)
    except (ValueError, OverflowError, OSError) as error:  # also of days that no month has
        raise InvalidInput(
            f"`{text}` is no time.",
            hint="Write it as in `03:12`, `2026-11-29 03:12`, `2026-11-29T03:12:00+01:00` or `1h`.",
        ) from error


def shown(moment: datetime, now: datetime) -> str:
    """Local time to the second, with its date unless that is today's."""
    local = moment.astimezone()
    today = local.date() == now.astimezone().date()
    return f"{local:%H:%M:%S}" if today else f"{local:%Y-%m-%d %H:%M:%S}"


def _ago(text: str, now: datetime) -> Past | None:
    if ":" in text or _DAY.fullmatch(text.strip()):
        return None
    moment = now - timedelta(seconds=parse_duration(text))
    return Past(moment, moment)


def _written(text: str, now: datetime) -> Past:
    if _DAY.fullmatch(text):
        return _lasting(datetime.fromisoformat(text), timedelta(days=1))
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    length = timedelta(seconds=1 if found["seconds"] else 60)
    if found["fraction"]:
        length = _LEAST
    clock = found["clock"] if len(found["hour"]) == 2 else f"0{found['clock']}"
    zone = (found["zone"] or "").upper()
    if found["date"]:
        return _lasting(datetime.fromisoformat(f"{found['date']}T{clock}{zone}"), length)
    return _last_before(now, f"{clock}{zone}", length)


def _last_before(now: datetime, clock: str, length: timedelta) -> Past:
    zone = datetime.fromisoformat(f"2000-01-01T{clock}").tzinfo

    def on(day: date) -> Past:
        return _lasting(datetime.fromisoformat(f"{day}T{clock}"), length)

    today = now.astimezone(zone).date()
    found = on(today)
    return found if found.begin <= now else on(today - timedelta(days=1))


def _lasting(begin: datetime, length: timedelta) -> Past:
    """Where it has no zone, the local one: of each end, for the clocks may change in between."""
    end = begin + length - _LEAST
    return Past(begin.astimezone(UTC), end.astimezone(UTC))
