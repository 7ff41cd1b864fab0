"""What all connections of this process share: table, tokens, limits, counters."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

from proxy.addresses import Endpoint
from proxy.auth import Tokens
from proxy.balance import Replica
from proxy.clients import Clients
from proxy.collection import Budget
from proxy.limits import Limits
from proxy.pool import Pool
from proxy.request_id import new_lines
from proxy.room import Room
from proxy.stats import Stats
from proxy.table import COUNTS_SECONDS, Table
from proxy.upstream import UpstreamConnection
from proxy.waker import Wake

logger = logging.getLogger(__name__)

STOP_PAUSE = 0.05
"""Seconds between two looks at what is left when the process stops."""

Seek = Callable[[str, str], Awaitable[None]]
"""Look for a run (project, name) that the table does not have; bounded in time."""


class Plane:
    """The data plane of one process. `front` leads to the APIs; empty: there is none.

    `new_id` is a whole header line for a request that brings no id.
    """

    def __init__(
        self,
        *,
        tunnels: Path,
        limits: Limits,
        front: Sequence[Endpoint] = (),
        trusted: Collection[IPv4Network | IPv6Network] = (),
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.limits = limits
        self.table = Table(tunnels, time.monotonic)
        self.tokens = Tokens()
        self.stats = Stats()
        self.clients = Clients(int(limits.client_connections))
        self.front = Pool([Replica("api", each) for each in front]) if front else None
        self.bodies = Budget(limits)
        self.searches = asyncio.Lock()
        self.new_id = new_lines().__next__
        self.stopping = False
        self.seek: Seek | None = None
        self.wake: Wake | None = None
        self.room = Room(self)
        self.table.changed = self.room.review
        self._trusted = trusted

    def trusts(self, peer: bytes) -> bool:
        """Whether what this client says of its own clients is believed."""
        if not self._trusted or not peer:
            return False
        address = ip_address(peer.decode())
        return any(address in network for network in self._trusted)

    async def connect(self, replica: Replica, seconds: float) -> UpstreamConnection:
        """A fresh connection; `OSError` when there is none in this time."""
        upstream = UpstreamConnection(replica)
        where = replica.endpoint
        try:
            async with asyncio.timeout(seconds):
                if where.path:
                    await self.loop.create_unix_connection(lambda: upstream, where.path)
                else:
                    await self.loop.create_connection(lambda: upstream, where.host, where.port)
        except BaseException:
            upstream.discard()
            raise
        return upstream

    def sweep(self) -> None:
        """Time-outs of everything. It calls itself again."""
        self.loop.call_later(self.limits.sweep_seconds, self.sweep)
        now = time.monotonic()
        self._check_clients(now)
        self.room.sweep(now)
        self.table.close_idle(now - self.limits.parked_seconds)
        self.table.forget_counts(now - COUNTS_SECONDS)
        if self.front is not None:
            for api in self.front.ready:
                api.close_idle_since(now - self.limits.parked_seconds)

    async def stop(self) -> None:
        """Let requests in flight end, within `stop_seconds`; WebSockets get a close frame."""
        self.stopping = True
        deadline = self.loop.time() + self.limits.stop_seconds
        while self.clients and self.loop.time() < deadline:
            self._check_clients(time.monotonic())
            await asyncio.sleep(STOP_PAUSE)
        self.room.close()
        await asyncio.sleep(STOP_PAUSE)
        for client in self.clients:
            client.transport.abort()

    def _check_clients(self, now: float) -> None:
        """A mistake of ours costs the connection that met it, and no other one its time-outs."""
        for client in self.clients:
            try:
                client.check(now)
            except Exception:
                logger.exception("A connection is ended by a mistake of perdure's")
                client.transport.abort()
