"""Rate limits: how many requests per second a client may send below a path."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from spec.section import Section, problem


class RateKey(StrEnum):
    """What tells clients apart."""

    IP_ADDRESS = "ip_address"
    HEADER = "header"


class IpAddressKey(Section):
    """By the client's address."""

    type: Literal[RateKey.IP_ADDRESS] = RateKey.IP_ADDRESS


class HeaderKey(Section):
    """By the value of a header."""

    type: Literal[RateKey.HEADER]
    header: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,500}$")]


class RateLimit(Section):
    """At most `rps` requests per second (one a minute at least), and `burst` more at once."""

    prefix: Annotated[str, Field(pattern=r"^/[^\s\\{}]*$", max_length=4094)] = "/"
    key: Annotated[IpAddressKey | HeaderKey, Field(discriminator="type")] = IpAddressKey()
    rps: float = Field(ge=1 / 60, allow_inf_nan=False)
    burst: int = Field(default=0, ge=0)


def _unique(limits: tuple[RateLimit, ...]) -> tuple[RateLimit, ...]:
    prefixes: set[str] = set()
    for place, limit in enumerate(limits):
        if limit.prefix in prefixes:
            raise problem(f"Two rate limits have the prefix `{limit.prefix}`.", at=(place,))
        prefixes.add(limit.prefix)
    return limits


RateLimits = Annotated[tuple[RateLimit, ...], AfterValidator(_unique)]
"""Limits, each for a prefix of its own."""
