"""Logs: brought into the store while they are written, each entry exactly once."""

from collections.abc import Mapping
from contextlib import aclosing

from activities.crash import crash_point
from backends.base import Backend
from engine import deeds
from spec.deeds import Collected, CollectOrder
from store.logs import LogSource
from store.store import Store


class Logs:
    """Follows jobs' logs."""

    def __init__(self, backends: Mapping[str, Backend], store: Store) -> None:
        self._backends = backends
        self._store = store

    @deeds.collect_logs.implemented
    async def collect_logs(self, order: CollectOrder) -> Collected:
        """To the log's end.

        Entries and cursor in one transaction: another attempt goes on where this one ended.
        """
        source = LogSource(
            key=order.replica,
            project=order.project,
            run=order.run,
            incarnation=order.incarnation,
            replica=order.num,
        )
        while (done := await self._pass(order, source)) is None:
            pass
        return done

    async def _pass(self, order: CollectOrder, source: LogSource) -> Collected | None:
        """From the source's cursor to the log's end; None when another collector went on there."""
        logs, token = self._store.logs, order.instance.token
        runtime = await self._backends[order.instance.backend].runtime(order.instance.host)
        place = await logs.cursor(source.key)
        async with aclosing(runtime.follow(token, place)) as batches:
            async for batch in batches:
                crash_point("logs.before_append")
                kept = await logs.append(source, batch, after=place)
                if kept.overtaken:
                    return None
                if kept.over_quota:
                    return Collected(entries=kept.entries, over_quota=True)
                place = batch.cursor
        return Collected(entries=(await logs.finish(source)).entries)
