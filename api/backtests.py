"""Backtests: what settings would have cost, and how long requests would have waited."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

from pydantic import ValidationError

from api.applications import Applications
from api.backtest_process import OUTCOMES
from api.services import Services
from perdure.errors import InvalidInput, NotFound, PerdureError, RateLimited, TooLarge, Unavailable
from policy.backtest import tick_of
from policy.backtest_rules import reference_of
from spec.backtest import (
    MAX_REQUESTS,
    Backtest,
    BacktestCall,
    BacktestOrder,
    Conditions,
    RuledOutcome,
    RuleName,
    Source,
    Trace,
)
from spec.offer import OfferQuery
from spec.run import RunState
from spec.scale import ScalingSpec
from spec.scaling import Scaling, ScalingMetric
from spec.service import ServiceConfiguration

SECONDS = 60.0
"""The most that a backtest may take; a week of a busy service takes half of it."""

MAX_REPLICAS = 10_000

LESS = "Replay less: a shorter time, or a part of the trace."

Rules = tuple[tuple[RuleName, ScalingSpec], ...]


class Backtests:
    """What a member of a project asks about loads of the past. Nothing is changed."""

    def __init__(self, services: Services, applications: Applications, project: str) -> None:
        self._services = services
        self._applications = applications
        self._project = project

    async def replay(self, call: BacktestCall, seconds: float = SECONDS) -> Backtest:
        """Replay the load against the settings asked, those in force, and the reference's rule.

        Raises `InvalidInput`, `NotFound` where nothing is known of the load, `TooLarge` when it
        takes too long, and `RateLimited` while another one runs.
        """
        name = call.configuration.name
        state = await self._services.runs.state(self._project, name) if name else None
        rules = _rules(call.configuration, state)
        trace = call.trace or await self._trace(name, call.since or 0)
        conditions, sources = await self._conditions(call, state)
        reference = reference_of(rules[0][1], conditions.service_time)
        order = BacktestOrder(
            trace=trace,
            conditions=conditions,
            tick=tick_of(trace.seconds),
            rules=(*rules, (RuleName.REFERENCE, reference)),
        )
        return Backtest(
            trace=Source.GIVEN if call.trace else Source.MEASURED,
            seconds=trace.seconds,
            requests=trace.requests,
            step=trace.step,
            tick=order.tick,
            conditions=conditions,
            sources=sources,
            outcomes=await self._carried_out(order, seconds),
        )

    async def _trace(self, name: str | None, seconds: int) -> Trace:
        if name is None:
            raise InvalidInput(
                "The load of a run is kept under its name, and the configuration has none.",
                hint="Write `name:` into it, or give a trace.",
            )
        now = self._services.store.now()
        since = now - timedelta(seconds=seconds)
        try:
            found = await self._services.store.load_history.trace(self._project, name, since, now)
        except ValidationError as error:
            raise TooLarge(
                f"More than {MAX_REQUESTS:,} requests came to `{name}` in that time.", hint=LESS
            ) from error
        if found is None:
            raise NotFound(
                f"No request to `{name}` is known in the time that is to be replayed.",
                hint="Replay a longer time, or give a trace.",
            )
        return found

    async def _conditions(
        self, call: BacktestCall, state: RunState | None
    ) -> tuple[Conditions, dict[str, Source]]:
        """What was given, else what was measured, else what is usual; and which is which."""
        found: dict[str, tuple[float | None, Source]] = {
            name: (value, Source.GIVEN) for name, value in call.conditions if value is not None
        }
        if "cold_start" not in found and state is not None:
            found["cold_start"] = state.route.cold_start, Source.MEASURED
        if "service_time" not in found and call.configuration.name and call.since:
            found["service_time"] = await self._service_time(call), Source.MEASURED
        if "price" not in found:
            found["price"] = await self._price(call.configuration, state)
        known = {name: each for name, each in found.items() if each[0] is not None}
        conditions = Conditions.model_validate({name: each[0] for name, each in known.items()})
        sources = {
            name: known.get(name, (0, Source.ASSUMED))[1] for name in Conditions.model_fields
        }
        return conditions, sources

    async def _service_time(self, call: BacktestCall) -> float | None:
        now = self._services.store.now()
        since = now - timedelta(seconds=call.since or 0)
        name = call.configuration.name or ""
        return await self._services.store.load_history.service_time(self._project, name, since, now)

    async def _price(
        self, asked: ServiceConfiguration, state: RunState | None
    ) -> tuple[float | None, Source]:
        """What the run's own replicas cost, else the cheapest offer; nobody may know either."""
        prices = [
            record.placement.price
            for record in (state.records if state else ())
            if record.placement is not None and record.placement.price is not None
        ]
        if prices:
            return max(prices), Source.MEASURED
        try:
            offers = (await self._applications.offers(OfferQuery(configuration=asked))).offers
        except PerdureError:  # the rest can be told without a price
            return None, Source.OFFERED
        return next((each.price for each in offers if each.price is not None), None), Source.OFFERED

    async def _carried_out(self, order: BacktestOrder, seconds: float) -> tuple[RuledOutcome, ...]:
        running = self._services.backtesting
        if running.locked():
            raise RateLimited(
                "Another backtest is running, and one takes a core of the server.",
                hint="Try again in a minute.",
            )
        async with running:
            try:
                async with asyncio.timeout(seconds), _child() as child:
                    told, _ = await child.communicate(order.model_dump_json().encode())
            except TimeoutError as error:
                raise TooLarge(
                    f"The backtest was not done in {seconds:.0f} s, the most that it may take.",
                    hint=LESS,
                ) from error
        if child.returncode:
            raise Unavailable(
                "The backtest ended without a result.", hint="The server's log says more."
            )
        return OUTCOMES.validate_json(told)


@contextlib.asynccontextmanager
async def _child() -> AsyncIterator[asyncio.subprocess.Process]:
    """A process for one backtest; killed when the context ends before it."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api.backtest_process"),
        stdin=pipe,
        stdout=pipe,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def _rules(asked: ServiceConfiguration, state: RunState | None) -> Rules:
    """The settings asked, and those in force where the run lives."""
    rules = [(RuleName.ASKED, _scaling(asked))]
    if state is not None and state.spec is not None:
        rules.append((RuleName.IN_FORCE, _scaling(state.spec.configuration)))
    for _, each in rules:
        if each.replicas.max > MAX_REPLICAS:
            raise InvalidInput(
                f"A backtest has at most {MAX_REPLICAS:,} replicas.",
                hint="Write less into `replicas`.",
            )
    return tuple(rules)


def _scaling(configuration: ServiceConfiguration) -> ScalingSpec:
    """Where the number is fixed, nothing decides: then any rule will do."""
    scaling = configuration.scaling or Scaling(metric=ScalingMetric.RPS, target=1)
    return ScalingSpec(replicas=configuration.replicas, scaling=scaling)
