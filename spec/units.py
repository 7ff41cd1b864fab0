"""Units: durations in seconds, sizes in GB (1 TB = 1024 GB, 1 GB = 1024 MB), prices in USD/h."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticUseDefault

from spec.section import problem

LONGEST = 3_650 * 86_400
"""Seconds: beyond any use, and dates in so many seconds can still be told."""
LARGEST = 1_024 * 1_024.0
"""GB, more than any machine has: 1,024 TB."""

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_GIGABYTES = {"MB": 1 / 1024, "GB": 1.0, "TB": 1024.0}

_DURATION = re.compile(r"(-?\d{1,15})\s*([smhdw])", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?", re.ASCII)
_SIZE = re.compile(r"(\d{1,15}(?:\.\d*)?|\.\d+)(MB|GB|TB)?", re.ASCII | re.IGNORECASE)

DURATION_PATTERN = r"^\s*\d+(\.\d+)?\s*[smhdw]?\s*$"
_DURATION_FORM = "Write whole seconds, or a unit: `90s`, `5m`, `1h`, `2d`, `1w`."
SIZE_PATTERN = r"^\s*(\d+(\.\d*)?|\.\d+)\s*([mMgGtT][bB])?\s*$"


def parse_duration(value: Any) -> int:
    """`90`, `"90"`, `"90s"`, `"5m"`, `"1 h"`, `"2d"`, `"1w"`: whole seconds, fractions cut off."""
    if isinstance(value, bool):
        raise problem("A word such as `on` or `off` is not a duration here.", hint=_DURATION_FORM)
    text = _scalar_text(value)
    if _NUMBER.fullmatch(text):
        seconds = int(float(text))
    elif match := _DURATION.fullmatch(text):
        seconds = int(match[1]) * _SECONDS[match[2]]
    else:
        raise problem(
            f"{_quoted(value)} is not a duration.",
            hint=_DURATION_FORM,
        )
    if abs(seconds) > LONGEST:
        raise problem(f"{_quoted(value)} is longer than ten years.", hint="Write `3650d` or less.")
    return seconds


def format_duration(seconds: int) -> str:
    """The shortest text that `parse_duration` reads as `seconds`: 3600 is `1h`."""
    if seconds:
        for unit, size in reversed(_SECONDS.items()):
            if seconds % size == 0:
                return f"{seconds // size}{unit}"
    return f"{seconds}s"


def parse_size(value: Any) -> float:
    """`8`, `"8GB"`, `"0.5 TB"`, `"512MB"` in GB; a bare number is GB."""
    text = re.sub(r"\s", "", _scalar_text(value))
    match = _SIZE.fullmatch(text)
    if match is None:
        raise problem(
            f"{_quoted(value)} is not a size.",
            hint="Write GB, or a unit: `512MB`, `24GB`, `1.5TB`.",
        )
    gigabytes = float(match[1]) * _GIGABYTES[(match[2] or "GB").upper()]
    if gigabytes > LARGEST:
        raise problem(f"{_quoted(value)} is more than any machine has.", hint="Write less.")
    return gigabytes


def format_size(gigabytes: float) -> str:
    """A text that `parse_size` reads as `gigabytes`: 24.0 is `24GB`, 0.5 is `512MB`."""
    if gigabytes == int(gigabytes):
        return f"{int(gigabytes)}GB"
    if (megabytes := gigabytes * 1024) == int(megabytes):
        return f"{int(megabytes)}MB"
    shortest = f"{gigabytes:.99f}" if "e" in repr(gigabytes) else repr(gigabytes)
    return f"{shortest}GB"


def format_price(price: float | None) -> str:
    """USD per hour; `-` when unknown. Cents, and more digits only for less than a cent."""
    if price is None:
        return "-"
    if price == 0:
        return "$0"
    return f"${price:.4f}".rstrip("0") if price < 0.01 else f"${price:.2f}"


def _scalar_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.99f}".rstrip("0").rstrip(".")
    return str(value).strip()


def _quoted(value: Any) -> str:
    shown = isinstance(value, str | int | float) and not isinstance(value, bool)
    return f"`{value}`" if shown else "This"


def _parse_offable(value: Any) -> int | None:
    if value is True:
        raise PydanticUseDefault
    if value is None or value is False or value == "off":
        return None
    return parse_duration(value)


def _parse_idle(value: Any) -> int | None:
    seconds = _parse_offable(value)
    return None if seconds is None or seconds < 0 else seconds


_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION_PATTERN}]
}
_OFFABLE_SCHEMA: dict[str, Any] = {
    "anyOf": [*_DURATION_SCHEMA["anyOf"], {"enum": [True, False, "off", None]}]
}
_SIZE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": SIZE_PATTERN}]
}

Duration = Annotated[
    int, BeforeValidator(parse_duration), Field(ge=0), WithJsonSchema(_DURATION_SCHEMA)
]
"""Seconds, not negative."""

OffableDuration = Annotated[
    Annotated[int, Field(ge=0)] | None,
    BeforeValidator(_parse_offable),
    WithJsonSchema(_OFFABLE_SCHEMA),
]
"""Seconds; None when off (`off`, `false`); `true` is the default."""

IdleDuration = Annotated[
    int | None,
    BeforeValidator(_parse_idle),
    WithJsonSchema(
        {
            "anyOf": [
                *_OFFABLE_SCHEMA["anyOf"],
                {"type": "integer"},
                {"type": "string", "pattern": r"^-\d+\s*[smhdw]?$"},
            ]
        }
    ),
]
"""As `OffableDuration`; whatever is negative is off too."""

Size = Annotated[float, BeforeValidator(parse_size), WithJsonSchema(_SIZE_SCHEMA)]
"""GB, not negative."""
