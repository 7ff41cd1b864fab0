"""Ranges: `N` is `N..N`, `N..` and `..M` are open, `{min, max}` is the long form."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from spec.section import Section, problem
from spec.units import SIZE_PATTERN, Size, format_size


def whole(value: object) -> object:
    """`3.0` is 3, as JSON's integers are: also where a number has to be one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, BeforeValidator(whole), Field(ge=0, le=1_000_000)]

_COUNT_PATTERN = r"^\s*(\d+|\d+\s*\.\.\s*\d*|\.\.\s*\d+)\s*$"
_ONE_SIZE = SIZE_PATTERN.removeprefix("^").removesuffix("$")


class Range(Section):
    """From `min` to `max`, both included; None is an open end, and at least one is given."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return value
        low, dots, high = str(value).partition("..")
        if not dots:
            return {"min": value, "max": value}
        return {"min": low.strip() or None, "max": high.strip() or None}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min is None and self.max is None:
            raise problem("A range needs at least one end.", hint="Write `N..`, `..M` or `N..M`.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise problem(f"The range {self} ends before it begins.")
        return self

    def holds(self, value: float) -> bool:
        """Whether `value` is in the range."""
        return (self.min is None or self.min <= value) and (self.max is None or value <= self.max)

    def __str__(self) -> str:
        """The shorthand: `2`, `2..`, `..8`, `2..8`."""
        if self.min == self.max and self.min is not None:
            return self._end(self.min)
        return f"{self._end(self.min)}..{self._end(self.max)}"

    @staticmethod
    def _end(value: float | None) -> str:
        return "" if value is None else f"{value:g}"


class CountRange(Range):
    """A whole number of things."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": _COUNT_PATTERN},
    )

    min: Count | None = None
    max: Count | None = None

    @staticmethod
    def _end(value: float | None) -> str:
        return "" if value is None else str(value)


class SizeRange(Range):
    """Memory or disk, in GB."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": SIZE_PATTERN},
        {"type": "string", "pattern": rf"^{_ONE_SIZE}\.\.({_ONE_SIZE})?$"},
        {"type": "string", "pattern": rf"^\.\.{_ONE_SIZE}$"},
        {
            "type": "object",
            "required": ["size"],
            "additionalProperties": False,
            "properties": {"size": {"$ref": "#/$defs/SizeRange"}},
        },
    )

    min: Size | None = None
    max: Size | None = None

    @staticmethod
    def _end(value: float | None) -> str:
        return "" if value is None else format_size(value)
