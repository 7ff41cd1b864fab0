"""Probes: requests that tell whether a replica is ready and healthy."""

from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from spec.section import Section, problem
from spec.units import Duration

LONGEST_TIMEOUT = 300
"""Seconds; the reference's servers allow no more."""

LONGEST_BODY = 8 * 1024
"""Bytes: a probe asks whether something answers, and is in Temporal's history again and again."""

LARGEST_PROBES = 32 * 1024
"""Bytes of all that the probes of a service send: addresses, headers and bodies."""

LONGEST_SHOWN = 100
"""Characters of a path in messages."""


class ProbeType(StrEnum):
    """Kinds of probes."""

    HTTP = "http"


class ProbeMethod(StrEnum):
    """HTTP methods, in the configuration's lower case."""

    GET = "get"
    POST = "post"
    PUT = "put"
    DELETE = "delete"
    PATCH = "patch"
    HEAD = "head"


class ProbeHeader(Section):
    """A header that the probe sends."""

    name: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=256)]
    value: Annotated[str, Field(pattern=r"^[^\r\n\x00]*$")] = Field(repr=False)


class Probe(Section):
    """One probe; `timeout` and `interval` in seconds, ready after `ready_after` successes.

    With `until_ready` it stops once the replica was ready.
    """

    type: ProbeType
    url: Annotated[str, Field(pattern=r"^/\S*$", max_length=2048)] = "/"
    method: ProbeMethod = ProbeMethod.GET
    headers: tuple[ProbeHeader, ...] = Field(default=(), max_length=16)
    body: str | None = Field(
        default=None, repr=False, json_schema_extra={"maxLength": LONGEST_BODY}
    )
    timeout: Annotated[Duration, Field(ge=1, le=LONGEST_TIMEOUT)] = 10
    interval: Annotated[Duration, Field(ge=1)] = 15
    ready_after: int = Field(default=1, ge=1)
    until_ready: bool = False

    @property
    def size(self) -> int:
        """Bytes of what it sends."""
        headers = [text for header in self.headers for text in (header.name, header.value)]
        return sum(len(text.encode()) for text in (self.url, self.body or "", *headers))

    def __str__(self) -> str:
        """`GET /health`: what people know it by, without its query, which may hold a key."""
        path = urlsplit(f"http://replica{self.url}").path
        shown = path if len(path) <= LONGEST_SHOWN else f"{path[: LONGEST_SHOWN - 1]}…"
        return f"{self.method.upper()} {shown}"

    @model_validator(mode="before")
    @classmethod
    def _null_is_unset(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in value.items() if item is not None}

    @field_validator("body")
    @classmethod
    def _short_body(cls, body: str | None) -> str | None:
        size = len((body or "").encode())
        if size > LONGEST_BODY:
            raise problem(
                f"A body of {size} bytes is too long.",
                hint=f"It may have {LONGEST_BODY // 1024} KiB.",
            )
        return body

    @model_validator(mode="after")
    def _body_fits_method(self) -> Self:
        if self.body is not None and self.method in {ProbeMethod.GET, ProbeMethod.HEAD}:
            raise problem(
                f"A probe with method `{self.method}` sends no body.",
                at=("body",),
                hint="Write `method: post`, or remove `body`.",
            )
        return self


def _unique(probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    for place, probe in enumerate(probes):
        if probe in probes[:place]:
            raise problem("Two probes are the same.", at=(place,))
    return probes


def _small(probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    size = sum(probe.size for probe in probes)
    if size > LARGEST_PROBES:
        raise problem(
            f"The probes send {size} bytes together, which is too much.",
            hint=f"Addresses, headers and bodies may have {LARGEST_PROBES // 1024} KiB in all.",
        )
    return probes


Probes = Annotated[
    tuple[Probe, ...], Field(max_length=10), AfterValidator(_unique), AfterValidator(_small)
]
"""At most ten, no two alike, and small."""
