"""Autoscaling and the number of replicas."""

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field, field_validator

from spec.ranges import Count, CountRange
from spec.section import Section, problem
from spec.units import Duration

WINDOWS = (30, 60, 300)

LEAST_TARGET = 0.0001
"""A request in almost three hours: what is less is a slip, and its quotients have no end."""


class ScalingMetric(StrEnum):
    """What is measured: requests per second, or requests in flight."""

    RPS = "rps"
    IN_FLIGHT = "in_flight"


class Scaling(Section):
    """How many requests each replica takes, and how fast their number follows. Seconds.

    `scale_up_delay` is the least time since the last change, `scale_down_delay` how long a lower
    need must last, `window` what `rps` is averaged over.
    """

    metric: ScalingMetric
    target: float = Field(ge=LEAST_TARGET, allow_inf_nan=False)
    scale_up_delay: Duration = 0
    scale_down_delay: Duration = 600
    window: Duration = 60

    @field_validator("window", mode="before")
    @classmethod
    def _unset_window(cls, value: Any) -> Any:
        return 60 if value is None else value

    @field_validator("window")
    @classmethod
    def _known_window(cls, value: int) -> int:
        if value not in WINDOWS:
            raise problem(f"A window of {value} s is not offered.", hint="Write 30s, 60s or 300s.")
        return value


class ReplicaRange(CountRange):
    """How many replicas to keep: from `min` (zero is allowed) to `max`."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": r"^\s*(\d+|(\d+)?\s*\.\.\s*\d+)\s*$"},
    )

    min: Count = 0
    max: Count

    @field_validator("min", mode="before")
    @classmethod
    def _open_start(cls, value: Any) -> Any:
        return 0 if value is None else value

    @field_validator("max", mode="before")
    @classmethod
    def _closed_end(cls, value: Any) -> Any:
        if value is None:
            raise problem("The maximum number of replicas is missing.", hint="Write `N..M`.")
        return value

    @property
    def fixed(self) -> bool:
        """Whether there is nothing to scale."""
        return self.min == self.max

    def clip(self, count: int) -> int:
        """The number in the range that is nearest to `count`."""
        return max(self.min, min(self.max, count))
