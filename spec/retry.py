"""Retry: off, on (`true`), or on some events for some time."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticUseDefault

from spec.section import Section
from spec.units import Duration


class RetryEvent(StrEnum):
    """What can go wrong: nothing to be had, taken away, or anything else."""

    NO_CAPACITY = "no-capacity"
    INTERRUPTION = "interruption"
    ERROR = "error"


class Retry(Section):
    """On which events a replica is tried again, for how many seconds after it failed."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = ({"type": "boolean"},)

    on_events: Annotated[tuple[RetryEvent, ...], Field(min_length=1)] = tuple(RetryEvent)
    duration: Duration = 3_600

    @field_validator("on_events", "duration", mode="before")
    @classmethod
    def _null_is_unset(cls, value: Any) -> Any:
        if value is None:
            raise PydanticUseDefault
        return value


def _on_or_off(value: Any) -> Any:
    if value in ("true", "yes", "on", "1", 1):
        return {}
    return None if value in ("false", "no", "off", "0", 0) else value


OptionalRetry = Annotated[Retry | None, BeforeValidator(_on_or_off)]
"""None is off; `true` is all events, for an hour."""
