"""A backtest: what settings would have cost, and how long requests would have waited."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from spec.load import Amount
from spec.public import PublicModel
from spec.scale import ScalingSpec
from spec.section import problem

MAX_ROWS = 300_000
"""Rows of a trace: 30 days by 10 seconds are 259,200."""

MAX_REQUESTS = 3_000_000
"""Requests of a trace: each is followed from its arrival to its end."""

MAX_SECONDS = 31 * 86_400

Second = Annotated[int, Field(ge=0, le=MAX_SECONDS)]
Requests = Annotated[int, Field(ge=0, le=MAX_REQUESTS)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TraceRow(NamedTuple):
    """So many requests arrived within one step, which began at that second of the trace."""

    second: Second
    requests: Requests


class Trace(PublicModel):
    """When requests arrived: rows of `step` seconds each, in order; what is left out had none.

    It lasts `seconds`.
    """

    step: Annotated[int, Field(ge=1, le=3600)]
    seconds: Annotated[int, Field(ge=1, le=MAX_SECONDS)]
    rows: Annotated[tuple[TraceRow, ...], Field(max_length=MAX_ROWS)] = ()

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        for before, row in pairwise(self.rows):
            if row.second < before.second + self.step:
                raise problem(
                    f"The row of second {row.second} begins before the one above it has ended.",
                    hint=f"Rows are {self.step} s long, in the order of their seconds.",
                )
        if self.rows and self.rows[-1].second + self.step > self.seconds:
            raise problem(f"The rows of the trace are longer than its {self.seconds} s.")
        if self.requests > MAX_REQUESTS:
            raise problem(
                f"The trace has {self.requests:,} requests. The most is {MAX_REQUESTS:,}.",
                hint="Take a part of it.",
            )
        return self

    @property
    def requests(self) -> int:
        """All that arrived."""
        return sum(row.requests for row in self.rows)


class Conditions(PublicModel):
    """What replicas and requests are like.

    A replica serves `slots` requests at once and is ready `cold_start` seconds after its start;
    it costs `price` USD/hour until it has drained. A request takes `service_time` seconds on
    average; the logarithm of its time is normal, with the standard deviation `spread`.
    """

    slots: Annotated[int, Field(ge=1, le=10_000)] = 8
    cold_start: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 120.0
    service_time: Annotated[Positive, Field(le=86_400)] = 20.0
    spread: Annotated[float, Field(ge=0, le=3, allow_inf_nan=False)] = 0.5
    price: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class RuleName(StrEnum):
    """Whose rule decided."""

    ASKED = "asked"
    IN_FORCE = "in force"
    REFERENCE = "reference"


class Waits(PublicModel):
    """Seconds from a request's arrival until a replica takes it: so much or less waited each share.

    `share_held` is the share of requests that waited at all, between 0 and 1.
    """

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    share_held: float = 0.0


class Outcome(PublicModel):
    """What came of the trace under one rule.

    `cost` is in USD, None without a price. `unserved` requests found no replica in a whole day
    after the trace; they count as having waited until then.
    """

    replica_hours: float
    cost: float | None = None
    requests: Amount
    unserved: Amount = 0
    waits: Waits
    ups: Amount
    downs: Amount
    most_replicas: Amount


class RuledOutcome(PublicModel):
    """What came of it under this rule, with these settings."""

    rule: RuleName
    asked: ScalingSpec
    outcome: Outcome


class BacktestOrder(PublicModel):
    """Replay the trace under these rules, deciding every `tick` seconds."""

    trace: Trace
    conditions: Conditions
    tick: Annotated[int, Field(ge=1)] = 1
    rules: tuple[tuple[RuleName, ScalingSpec], ...]
