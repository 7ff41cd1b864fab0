"""What a configuration says of CPUs: `4`, `2..8`, `arm`, `arm:4..`, or a mapping."""

from typing import Any, ClassVar

from pydantic import field_validator, model_validator

from spec.machine import CpuArch
from spec.ranges import CountRange
from spec.section import Section, problem


class CpuRequest(Section):
    """How many CPUs, of which architecture (None: whatever suits the GPU, else x86)."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "integer", "minimum": 0},
        {
            "type": "string",
            "pattern": r"^\s*(([xX]86|[aA][rR][mM])|(([xX]86|[aA][rR][mM])\s*:)?"
            r"\s*(\d+|\d+\s*\.\.\s*\d*|\.\.\s*\d+)(\s*:\s*([xX]86|[aA][rR][mM]))?)\s*$",
        },
        {"$ref": "#/$defs/CountRange"},
    )

    arch: CpuArch | None = None
    count: CountRange = CountRange(min=2)

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if isinstance(value, dict) and value and value.keys() <= {"min", "max"}:
            return {"count": value}
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return {"count": value}
        return _parse_tokens(value) if isinstance(value, str) else value

    @field_validator("arch", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    def __str__(self) -> str:
        """The shorthand: `2..`, `arm:4`."""
        return f"{self.arch}:{self.count}" if self.arch else str(self.count)


def _parse_tokens(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in text.split(":"):
        token = part.strip()
        kind = "arch" if token[:1].isalpha() else "count"
        if not token or kind in found:
            raise problem(
                f"`{text}` is not a CPU request.", hint="Write it as in `4..` or `arm:4`."
            )
        found[kind] = token
    return found
