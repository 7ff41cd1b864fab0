"""Logs: brought into the store while they are written, each entry exactly once."""

from collections.abc import Mapping

from backends.base import Backend
from engine import deeds
from spec.deeds import Collected, CollectOrder
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
        kept = Appended(entries=0)
        async for batch in runtime.follow(token, await logs.cursor(source.key)):
            kept = await logs.append(source, batch)
            if kept.over_quota:
                return Collected(entries=kept.entries, over_quota=True)
        await logs.finish(source)
        return Collected(entries=kept.entries)
