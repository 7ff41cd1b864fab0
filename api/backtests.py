"""Backtests: what settings would have cost, and how long requests would have waited."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from pydantic import ValidationError

from api.applications import Applications
from api.backtest_child import BacktestChild, backtest_child
from api.backtest_process import Question, Replay, load_of
from api.services import Services
from perdure.errors import InvalidInput, NotFound, PerdureError, RateLimited, TooLarge
from policy.backtest import tick_of
from policy.backtest_terms import cheapest, conditions_of, measured, own_rules, with_reference
from spec.backtest import MAX_REQUESTS, Backtest, Conditions, Given, Source, Trace
from spec.offer import OfferQuery
from spec.run import RunState

SECONDS = 60.0
"""The most that a backtest may take; a week of a busy service takes half of it."""

LESS = "Replay less: a shorter time, or a part of the trace."


class Backtests:
    """What a member of a project asks about loads of the past. Nothing is changed."""

    def __init__(self, services: Services, applications: Applications, project: str) -> None:
        self._services = services
        self._applications = applications
        self._project = project

    def require_idle(self) -> None:
        """Raise `RateLimited` while another one runs."""
        if self._services.backtesting.locked():
            raise RateLimited(
                "Another backtest is running, and one takes a core of the server.",
                hint="Try again in a minute.",
            )

    async def replay(self, call: bytes, seconds: float = SECONDS) -> Backtest:
        """Replay the load against the settings asked, those in force, and the reference's rule.

        `call` is the JSON of a `BacktestCall`. Raises `InvalidInput`, `NotFound` where nothing is
        known of the load, `TooLarge` when it takes too long, and `RateLimited` while another one
        runs.
        """
        async with self._alone(seconds), backtest_child() as child:
            return await self._replayed(child, await child.read(call))

    @contextlib.asynccontextmanager
    async def _alone(self, seconds: float) -> AsyncIterator[None]:
        self.require_idle()
        async with self._services.backtesting:
            try:
                async with asyncio.timeout(seconds):
                    yield
            except TimeoutError as error:
                raise TooLarge(
                    f"The backtest was not done in {seconds:.0f} s, the most that it may take.",
                    hint=LESS,
                ) from error

    async def _replayed(self, child: BacktestChild, asked: Question) -> Backtest:
        name = asked.configuration.name
        state = await self._services.runs.state(self._project, name) if name else None
        rules = own_rules(asked.configuration, state)
        trace = None if asked.load else await self._trace(name, asked.since or 0)
        load = load_of(trace) if trace else asked.load
        assert load is not None
        conditions, sources = await self._conditions(asked, state)
        replay = Replay(trace=trace, conditions=conditions, rules=with_reference(rules, conditions))
        return Backtest(
            trace=Source.MEASURED if trace else Source.GIVEN,
            seconds=load.seconds,
            requests=load.requests,
            step=load.step,
            tick=tick_of(load.seconds),
            conditions=conditions,
            sources=sources,
            outcomes=await child.replay(replay),
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
        self, asked: Question, state: RunState | None
    ) -> tuple[Conditions, dict[str, Source]]:
        """The offers are asked only where nothing else tells the price."""
        known = measured(state, await self._service_time(asked))
        offered = Given()
        if asked.conditions.price is None and known.price is None:
            offered = Given(price=await self._offered_price(asked))
        return conditions_of(asked.conditions, known, offered)

    async def _service_time(self, asked: Question) -> float | None:
        name = asked.configuration.name
        if not (name and asked.since) or asked.conditions.service_time is not None:
            return None
        now = self._services.store.now()
        since = now - timedelta(seconds=asked.since)
        return await self._services.store.load_history.service_time(self._project, name, since, now)

    async def _offered_price(self, asked: Question) -> float | None:
        """Nobody may know it."""
        query = OfferQuery(configuration=asked.configuration)
        try:
            offers = (await self._applications.offers(query)).offers
        except PerdureError:  # the rest can be told without a price
            return None
        return cheapest(offer.price for offer in offers)
