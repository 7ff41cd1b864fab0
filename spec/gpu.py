"""What a configuration says of GPUs: `A100:80GB:2`, `24GB..`, `nvidia:A10G,A100`, or a mapping."""

import re
from typing import Annotated, Any, ClassVar

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from spec.accelerators import is_tpu, vendor_of
from spec.machine import GpuVendor
from spec.ranges import CountRange, SizeRange
from spec.section import Section, problem

_ALIASES = {"tpu": GpuVendor.GOOGLE, "tt": GpuVendor.TENSTORRENT}
_VENDORS = {vendor.value: vendor for vendor in GpuVendor} | _ALIASES
_CAPABILITY = re.compile(r"(\d{1,3})\.(\d{1,3})", re.ASCII)

ONE = CountRange(min=1, max=1)

GpuNames = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]
ComputeCapability = Annotated[
    tuple[int, int],
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": r"^\d+\.\d+$"},
                {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
            ]
        }
    ),
]


class GpuRequest(Section):
    """Which GPUs a replica needs. `name` are alternatives, None for any; sizes in GB.

    `count` is exactly one unless said otherwise: `A100` is one A100.
    """

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": r"^[^:\s][^:]*(:[^:]+)*$"},
    )

    vendor: GpuVendor | None = None
    name: GpuNames | None = None
    count: CountRange = ONE
    memory: SizeRange | None = None
    total_memory: SizeRange | None = None
    compute_capability: ComputeCapability | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise problem(
                "A boolean says nothing of GPUs.", hint="Write a count, a name or a memory size."
            )
        if isinstance(value, int):
            return {"count": value}
        return _parse_tokens(value) if isinstance(value, str) else value

    @field_validator("vendor", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return _VENDORS.get(value.lower(), value) if isinstance(value, str) else value

    @field_validator("name", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple):
            return names
        return [_plain_name(name) if isinstance(name, str) else name for name in names]

    @field_validator("compute_capability", mode="before")
    @classmethod
    def _capability(cls, value: Any) -> Any:
        if not isinstance(value, str | int | float):
            return value
        if match := _CAPABILITY.fullmatch(str(value)):
            return (int(match[1]), int(match[2]))
        raise problem(f"`{value}` is not a compute capability.", hint="Write it as in `7.5`.")

    def inferred_vendor(self, *, own_image: bool) -> GpuVendor | None:
        """The maker that is meant. `own_image`: the configuration has `image` or `docker`."""
        if self.vendor is not None:
            return self.vendor
        if self.name is not None:
            return vendor_of(self.name)
        return None if own_image else GpuVendor.NVIDIA

    def __str__(self) -> str:
        """The shorthand, count included: `nvidia:A100,H100:80GB:2`."""
        parts = [
            self.vendor or "",
            ",".join(self.name or ()),
            str(self.memory or ""),
            str(self.count),
        ]
        return ":".join(part for part in parts if part)


def _parse_tokens(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in text.split(":"):
        token = part.strip()
        if not token:
            raise problem(f"`{text}` has an empty part.", hint="Write it as in `A100:80GB:2`.")
        kind, value = _recognise(token)
        if kind in found:
            raise problem(f"`{text}` gives the {kind} twice.")
        found[kind] = value
    return found


def _recognise(token: str) -> tuple[str, Any]:
    if vendor := _VENDORS.get(token.lower()):
        return "vendor", vendor
    if token[0].isalpha():
        return "name", [name.strip() for name in token.split(",")]
    if token[0] in ".0123456789" and any(character.isalpha() for character in token):
        return "memory", token
    return "count", token


def _plain_name(name: str) -> str:
    if not name.strip():
        raise problem("A GPU name is empty.", hint="Write names with single commas: `A10G,A100`.")
    short = name.removeprefix("tpu-")
    return short if is_tpu(short) else name
