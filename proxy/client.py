"""One client connection: requests in, in order; replies out, in the same order."""

import asyncio
import struct
from socket import SO_LINGER, SOL_SOCKET
from time import monotonic
from typing import TYPE_CHECKING, cast

from proxy.auth import Caller
from proxy.exchange import Exchange
from proxy.forwarded import forwarded_by_trusted, forwarded_for, origin
from proxy.replies import SLOW
from proxy.request_head import RequestHead
from proxy.request_reader import RequestReader
from proxy.upstream import BUFFER
from proxy.way import Way

if TYPE_CHECKING:
    from proxy.plane import Plane
    from proxy.tunnel import Tunnel

AT_ONCE = struct.pack("ii", 1, 0)
"""`struct linger`: closing drops what is unsent, and says so to the other side."""

# Why a client is not read for now; each reason ends by itself.
_QUEUE, _BODY = 1, 2


class ClientConnection(asyncio.Protocol):
    """`blocked`: the client does not take what we send; `trusted`: it is a proxy of our own."""

    __slots__ = (
        "_advancing",
        "_lingering",
        "_paused",
        "_peer",
        "_queue",
        "_reader",
        "_since",
        "_tunnel",
        "blocked",
        "caller",
        "plane",
        "transport",
        "trusted",
        "way",
    )

    transport: asyncio.Transport

    def __init__(self, plane: "Plane") -> None:
        self.plane = plane
        self.caller = Caller(plane.tokens)
        self.blocked = False
        self._reader = RequestReader(self)
        self._queue = self._reader.queue
        self._tunnel: Tunnel | None = None
        self.trusted = False
        self.way: Way | None = None
        self._advancing = self._lingering = False
        self._paused = 0
        self._peer = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        transport = cast("asyncio.Transport", transport)  # uvloop has its own classes
        self.transport = transport
        transport.set_write_buffer_limits(BUFFER)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0].encode() if isinstance(peer, tuple) else b""
        self.trusted = self.plane.trusts(self._peer)
        self._since = monotonic()
        if not self.plane.clients.admit(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Requests, pieces of their bodies, or bytes after an upgrade."""
        if self._tunnel is not None:
            self._tunnel.from_client(data)
            return
        if self._reader.deaf:
            return
        queue = self._queue
        receiving = bool(queue) and queue[0].begun_at > 0 and not queue[0].sent_all
        self._reader.read(data)
        if not queue:
            return
        if receiving:
            queue[0].push()
        elif not queue[0].begun_at:
            self.advance()
        if len(queue) > 1:
            self._pause(_QUEUE)
            if queue[0].line is not None:
                self.plane.room.has_place(queue[0])

    # Turns

    def advance(self) -> None:
        """Begin the next exchange, if there is one; and the next, while they end at once."""
        if self._advancing:
            return
        self._advancing = True
        queue = self._queue
        while queue and not queue[0].begun_at and not self.blocked:
            queue[0].begin()
        self._advancing = False

    def finished(self, exchange: Exchange, now: float) -> None:
        """The first exchange has its reply."""
        queue = self._queue
        queue.popleft()
        if not exchange.keep or not exchange.sent_all or self.plane.stopping:
            self._end(linger=not exchange.sent_all or self._reader.deaf)
            return
        self._since = now
        if self._paused:
            self._resume(_BODY if len(queue) > 1 else _QUEUE | _BODY)
        if queue:
            self.advance()

    def forwarded(self, head: RequestHead) -> bytes:
        """The `X-Forwarded-*` lines for this request."""
        if self.trusted:
            return forwarded_by_trusted(self._peer, head.host, head.forwarded)
        return forwarded_for(self._peer, head.host)

    def origin(self, head: RequestHead) -> str:
        """The network this request comes from, as far as that is known."""
        return origin(self._peer, (head.forwarded or ()) if self.trusted else None)

    def become(self, tunnel: "Tunnel", early: bytes) -> None:
        """From now on bytes pass. `early` came before the upgrade was agreed."""
        self._tunnel = tunnel
        self._queue.clear()
        self._resume(_BODY)
        if early:
            tunnel.from_client(early)

    def reset(self) -> None:
        """End with a reset: a reply that was broken off must not look whole."""
        socket = self.transport.get_extra_info("socket")
        socket.setsockopt(SOL_SOCKET, SO_LINGER, AT_ONCE)
        self.transport.abort()

    def _end(self, *, linger: bool) -> None:
        """The last reply is written. Linger while bytes are on their way here.

        Closing with unread bytes sends a reset, which can overtake the reply (RFC 9112, 9.6).
        """
        self._queue.clear()
        self._reader.deaf = True
        if linger and not self.transport.is_closing():
            self._lingering, self._since = True, monotonic()
            self.transport.write_eof()
            self._resume(_QUEUE | _BODY)
        else:
            self.transport.close()

    # Time

    @property
    def waiting_since(self) -> float:
        """When it began to wait for the whole head of a request; 0 while a request is under way."""
        return 0.0 if self._queue or self._tunnel is not None else self._since

    def check(self, now: float) -> None:
        """Once a second: what took too long ends."""
        limits = self.plane.limits
        quiet = now - self._since
        if self._tunnel is not None:
            self._tunnel.check(now, limits, stopping=self.plane.stopping)
        elif self._lingering:
            if quiet > limits.linger_seconds:
                self.transport.abort()
        elif self._queue:
            if self._queue[0].begun_at:
                self._queue[0].check(now, limits.silent_seconds)
            elif quiet > limits.silent_seconds:  # it does not take the replies before
                self.reset()
        elif self._reader.head_since:
            if now - self._reader.head_since > limits.head_seconds:
                self.transport.write(SLOW.render(keep=False, extra=self.plane.new_id()))
                self._end(linger=True)
        elif quiet > limits.idle_seconds or self.plane.stopping:
            self.transport.close()

    # Flow

    @property
    def paused(self) -> bool:
        """Whether the client is not read for now, so that nobody hears when it leaves."""
        return bool(self._paused)

    def kept(self) -> int:
        """Bytes of bodies that wait: of the request under way, and of those behind it."""
        return sum(exchange.kept() for exchange in self._queue)

    def pause_body(self) -> None:
        """The replica cannot take more of the body for now."""
        self._pause(_BODY)

    def resume_body(self) -> None:
        """The replica takes bytes again: read on from the client."""
        self._resume(_BODY)

    def _pause(self, why: int) -> None:
        if not self._paused and not self.transport.is_closing():
            self.transport.pause_reading()
        self._paused |= why

    def _resume(self, why: int) -> None:
        if self._paused & why:
            self._paused &= ~why
            if not self._paused and not self.transport.is_closing():
                self.transport.resume_reading()

    def pause_writing(self) -> None:
        """The client does not take what we send."""
        self.blocked = True
        if self._tunnel is not None:
            self._tunnel.pause(client=False)
        elif self._queue:
            self._queue[0].throttle(blocked=True)

    def resume_writing(self) -> None:
        """The client takes bytes again: send on, and let the replica do so."""
        self.blocked = False
        if self._tunnel is not None:
            self._tunnel.resume(client=False)
        elif self._queue:
            self._queue[0].throttle(blocked=False)
            self.advance()

    def eof_received(self) -> bool:
        """The client sends no more. Half a connection counts as none, as with other proxies."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone, and so are its requests."""
        self.plane.clients.discard(self)
        if self._tunnel is not None:
            self._tunnel.client_gone()
        for exchange in self._queue:
            exchange.abandon()
        self._queue.clear()
