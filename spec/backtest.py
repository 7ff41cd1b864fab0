"""A backtest: what settings would have cost, and how long requests would have waited."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from spec.load import Amount
from spec.public import Model, PublicModel
from spec.scale import ScalingSpec
from spec.section import problem
from spec.service import ServiceConfiguration
from spec.units import Duration

MAX_ROWS = 300_000
"""Rows of a trace: 30 days by 10 seconds are 259,200."""

MAX_REQUESTS = 1_000_000
"""Requests of a trace: each is followed from its arrival to its end."""

MAX_SECONDS = 31 * 86_400

QUICKEST, LONGEST = 0.001, 86_400
"""Seconds of a request; a cold start lasts no longer, either."""

Second = Annotated[int, Field(ge=0, le=MAX_SECONDS)]
Requests = Annotated[int, Field(ge=0, le=MAX_REQUESTS)]
Slots = Annotated[int, Field(ge=1, le=10_000)]
ColdStart = Annotated[float, Field(ge=0, le=LONGEST)]
ServiceTime = Annotated[float, Field(ge=QUICKEST, le=LONGEST)]
Spread = Annotated[float, Field(ge=0, le=3)]
Price = Annotated[float, Field(ge=0, le=1_000_000)]


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
    """What replicas and requests are like, all of it.

    A replica serves `slots` requests at once and is ready `cold_start` seconds after its start;
    it costs `price` USD/hour until it has drained. A request takes `service_time` seconds on
    average; the logarithm of its time is normal, with the standard deviation `spread`.
    """

    slots: Slots = 8
    cold_start: ColdStart = 120.0
    service_time: ServiceTime = 20.0
    spread: Spread = 0.5
    price: Price | None = None


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


class Source(StrEnum):
    """Where a condition, or a trace, comes from."""

    GIVEN = "given"
    MEASURED = "measured"
    OFFERED = "offered"
    ASSUMED = "assumed"


class Given(PublicModel):
    """Conditions, as far as somebody gave them. None: what was measured, else what is usual."""

    slots: Slots | None = None
    cold_start: ColdStart | None = None
    service_time: ServiceTime | None = None
    spread: Spread | None = None
    price: Price | None = None


class BacktestCall(Model):
    """Replay a load against these settings: the last `since` seconds of the run, or a trace.

    The configuration carries no secret values.
    """

    configuration: ServiceConfiguration
    since: Annotated[Duration, Field(ge=60, le=MAX_SECONDS)] | None = None
    trace: Trace | None = None
    conditions: Given = Given()

    @model_validator(mode="after")
    def _has_one_load(self) -> Self:
        if (self.since is None) == (self.trace is None):
            raise problem(
                "A backtest needs a load: either the last time of the run, or a trace.",
                hint="Give one of `since` and `trace`.",
            )
        return self


class Backtest(PublicModel):
    """What came of it. `sources` tells of each of the conditions where it comes from.

    The trace had so many `requests` in so many `seconds`, by steps of `step` seconds; the rules
    decided every `tick` seconds.
    """

    trace: Source
    seconds: int
    requests: Amount
    step: int
    tick: int
    conditions: Conditions
    sources: dict[str, Source]
    outcomes: tuple[RuledOutcome, ...]
