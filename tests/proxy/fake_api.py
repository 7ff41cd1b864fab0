"""The internal API as far as a proxy sees it."""

import asyncio
from contextlib import suppress
from pathlib import Path

from spec.feed import Feed, LeaseGrant, ProxyLease
from spec.run import WakeNote
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Message

KEY = "internal-key"


class FakeApi:
    """Answers polls when `seq` has moved on; keeps leases by boot id, and which runs it woke."""

    def __init__(self) -> None:
        self.leases: dict[str, ProxyLease] = {}
        self.unauthorised = 0
        self.woken: list[tuple[str, WakeNote]] = []
        self._feed = Feed(seq=1, full=True)
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._upstream = Upstream(self._serve)

    async def start(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._upstream.accept, path)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._upstream.end_connections()

    async def say(self, feed: Feed) -> None:
        async with self._changed:
            self._feed = feed
            self._changed.notify_all()

    async def _serve(self, connection: Connection) -> None:
        while True:
            request = await connection.request()
            if request.get("authorization") != f"Bearer {KEY}":
                self.unauthorised += 1
                await connection.reply(b"{}", status="401 Unauthorized")
            elif request.start.startswith("PUT /internal/v1/proxies/"):
                boot = request.target.rpartition("/")[2]
                self.leases[boot] = ProxyLease.model_validate_json(request.body)
                await connection.reply(LeaseGrant(seconds=6).model_dump_json().encode())
            elif request.start.startswith("POST /internal/v1/runs/"):
                run = request.target.removeprefix("/internal/v1/runs/").removesuffix("/wake")
                self.woken.append((run, WakeNote.model_validate_json(request.body)))
                await connection.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            else:
                await connection.reply(await self._news(request))

    async def _news(self, request: Message) -> bytes:
        after = int(request.target.rpartition("after=")[2])
        with suppress(TimeoutError):
            async with self._changed, asyncio.timeout(5):
                await self._changed.wait_for(lambda: self._feed.seq > after)
        news = self._feed if self._feed.seq > after else Feed(seq=after)
        return news.model_dump_json().encode()
