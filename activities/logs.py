"""Logs: brought into the store while they are written, each entry exactly once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from backends.base import Backend
from engine import deeds
from spec.deeds import Collected, CollectOrder
from spec.log import LogBatch
from store.logs import Appended, LogSource
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
        logs, token = self._store.logs, order.instance.token
        runtime = await self._backends[order.instance.backend].runtime(order.instance.host)
        while True:
            cursor = await logs.cursor(source.key)
            async with aclosing(runtime.follow(token, cursor)) as batches:
                kept = await self._collect(source, cursor, batches)
            if not kept.overtaken:
                return Collected(entries=kept.entries, over_quota=kept.over_quota)

    async def _collect(
        self, source: LogSource, cursor: str, batches: AsyncIterator[LogBatch]
    ) -> Appended:
        """From `cursor` to the end, or until there is no use in going on."""
        logs = self._store.logs
        async for batch in batches:
            kept = await logs.append(source, batch, after=cursor)
            if kept.over_quota or kept.overtaken:
                return kept
            cursor = batch.cursor
        return await logs.finish(source, after=cursor)
