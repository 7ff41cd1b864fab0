"""One client connection: requests in, in order; replies out, in the same order."""

import asyncio
import logging
import struct
from collections import deque
from socket import SO_LINGER, SOL_SOCKET
from time import monotonic
from typing import TYPE_CHECKING, cast

import httptools

from proxy.auth import Caller
from proxy.exchange import Exchange
from proxy.forwarded import forwarded_by_trusted, forwarded_for
from proxy.headers import PLAIN, REQUEST_KINDS
from proxy.replies import SLOW
from proxy.request_head import MAX_HEAD, RequestHead
from proxy.upstream import BUFFER

if TYPE_CHECKING:
    from proxy.plane import Plane
    from proxy.tunnel import Tunnel

EARLY = 64 * 1024
"""Bytes that a client may send after an upgrade request before it was answered."""

AT_ONCE = struct.pack("ii", 1, 0)
"""`struct linger`: closing drops what is unsent, and says so to the other side."""

# Why a client is not read for now; each reason ends by itself.
_QUEUE, _BODY = 1, 2

logger = logging.getLogger(__name__)


class ClientConnection(asyncio.Protocol):
    """`blocked`: the client does not take what we send."""

    __slots__ = (
        "_advancing",
        "_deaf",
        "_exchange",
        "_forwarded",
        "_head",
        "_head_bytes",
        "_host",
        "_left",
        "_lines",
        "_lingering",
        "_parser",
        "_paused",
        "_peer",
        "_queue",
        "_since",
        "_trusted",
        "_tunnel",
        "_upgrading",
        "blocked",
        "caller",
        "plane",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, plane: "Plane") -> None:
        self.plane = plane
        self.caller = Caller(plane.tokens)
        self.blocked = False
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._head: RequestHead | None = None  # the head under way
        self._lines: list[bytes] = []  # its plain fields
        self._exchange: Exchange | None = None  # whose body is under way
        self._upgrading: Exchange | None = None
        self._tunnel: Tunnel | None = None
        self._advancing = self._deaf = self._lingering = self._trusted = False
        self._left = self._paused = self._head_bytes = 0
        self._peer = self._forwarded = b""
        self._host: bytes | None = None
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        transport = cast("asyncio.Transport", transport)  # uvloop has its own classes
        self.transport = transport
        transport.set_write_buffer_limits(BUFFER)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0].encode() if isinstance(peer, tuple) else b""
        self._trusted = self.plane.trusts(self._peer)
        self._forwarded = forwarded_for(self._peer, None)
        self._since = monotonic()
        self.plane.clients.add(self)

    # Bytes of the client

    def data_received(self, data: bytes) -> None:
        """Requests, pieces of their bodies, or bytes after an upgrade."""
        if self._tunnel is not None:
            self._tunnel.from_client(data)
            return
        if self._deaf:
            return
        if self._left or self._upgrading is not None:
            data = self._past_the_parser(data)
            if not data:
                return
        queue = self._queue
        receiving = bool(queue) and queue[0].begun_at > 0 and not queue[0].sent_all
        self._head_bytes += len(data)
        self._feed(data)
        if not queue:
            self._count_head(len(data))
        elif receiving:
            queue[0].push()
        elif not queue[0].begun_at:
            self.advance()
        if len(queue) > 1:
            self._pause(_QUEUE)
        elif self._exchange is not None and queue and not self._deaf:
            self._skip_parser(self._exchange)

    def _skip_parser(self, exchange: Exchange) -> None:
        """A body of known length that goes on need not be parsed."""
        if exchange.head.length:
            self._left = exchange.head.length - exchange.seen
            self._parser = httptools.HttpRequestParser(self)

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = self._upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                self._refuse(error)
                return

    def _upgrade(self, rest: bytes) -> bytes:
        """An upgrade was asked for, or CONNECT; what of `rest` is a request again."""
        last = self._queue[-1]
        if last.head.refusal:
            self._deaf = True
        elif last.head.upgrades:
            self._upgrading = last
            if rest:
                last.body.append(rest)
        else:
            # An upgrade that is not passed on is not one: the next request follows.
            self._parser = httptools.HttpRequestParser(self)
            return rest
        return b""

    def _refuse(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            logger.error("A request could not be handled", exc_info=error)
        self._deaf = True
        if self._exchange is None:
            self._queue_refusal(400)
        else:
            self._exchange.spoil()

    def _count_head(self, size: int) -> None:
        if self._head_bytes == size:
            self._since = monotonic()
        if self._head_bytes > MAX_HEAD:
            self._deaf = True
            self._queue_refusal(431)
            self.advance()

    def _queue_refusal(self, status: int) -> None:
        """What came is no request; the answer waits for its turn all the same."""
        head = RequestHead()
        head.refuse(status)
        self._queue.append(Exchange(self, head))

    def _past_the_parser(self, data: bytes) -> bytes:
        """What is left of `data` once those took their part who need no parser."""
        if self._left:
            data = self._take_known_body(data)
        if self._upgrading is not None and data:
            self._take_early(self._upgrading, data)
            return b""
        return b"" if self._deaf else data

    def _take_known_body(self, data: bytes) -> bytes:
        exchange, left = self._queue[0], self._left
        piece, rest = (data, b"") if len(data) <= left else (data[:left], data[left:])
        self._left = left - len(piece)
        if not self._left:
            exchange.sent_all, self._exchange = True, None
        exchange.take_body(piece)
        exchange.push()
        return rest

    def _take_early(self, exchange: Exchange, data: bytes) -> None:
        exchange.body.append(data)
        if sum(map(len, exchange.body)) > EARLY:
            self._pause(_BODY)

    # httptools

    def on_message_begin(self) -> None:
        """httptools: another request begins."""
        self._head = head = RequestHead()
        self._lines = head.lines

    def on_url(self, url: bytes) -> None:
        """httptools: a piece of the target."""
        assert self._head is not None
        self._head.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a field of the head; those after the body are not passed on."""
        kind = REQUEST_KINDS[name]
        if kind is PLAIN:
            self._lines.append(b"%b: %b\r\n" % (name, value))
        elif self._head is not None:
            self._head.special(kind, name, value)

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        head, parser = self._head, self._parser
        assert head is not None
        self._head, self._lines = None, []
        head.complete(
            parser.get_method(),
            parser.get_http_version(),
            self._head_bytes,
            keep=parser.should_keep_alive(),
        )
        self._head_bytes = 0
        self._exchange = exchange = Exchange(self, head)
        self._queue.append(exchange)

    def on_body(self, data: bytes) -> None:
        """httptools: a piece of the body."""
        exchange = self._exchange
        if exchange is not None:
            exchange.seen += len(data)
            exchange.take_body(data)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        self._head_bytes = 0
        if self._exchange is not None:
            self._exchange.sent_all, self._exchange = True, None

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
            self._end(linger=not exchange.sent_all or self._deaf)
            return
        self._since = now
        if self._paused and len(queue) <= 1:
            self._resume(_QUEUE)
        if queue:
            self.advance()

    def forwarded(self, head: RequestHead) -> bytes:
        """The `X-Forwarded-*` lines for this request."""
        if self._trusted:
            return forwarded_by_trusted(self._peer, head.host, head.forwarded)
        if head.host != self._host:
            self._host = head.host
            self._forwarded = forwarded_for(self._peer, head.host)
        return self._forwarded

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
        self._deaf = True
        if linger and not self.transport.is_closing():
            self._lingering, self._since = True, monotonic()
            self.transport.write_eof()
            self._resume(_QUEUE | _BODY)
        else:
            self.transport.close()

    # Time

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
        elif self._head is not None:
            if quiet > limits.head_seconds:
                self._deaf = True
                self.transport.write(SLOW.render(keep=False))
                self._end(linger=True)
        elif quiet > limits.idle_seconds or self.plane.stopping:
            self.transport.close()

    # Flow

    def pause_body(self) -> None:
        """The replica cannot take more of the body for now."""
        self._pause(_BODY)

    def resume_body(self) -> None:
        """It can again."""
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
        """It does again."""
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
            self._tunnel.closed()
        for exchange in self._queue:
            exchange.abandon()
        self._queue.clear()
