"""One connection to a replica. It serves one exchange at a time and is kept between them.

It is one file: the callbacks of the event loop and those of the parser are steps of one state.
"""

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, cast

import httptools

from proxy.balance import Replica
from proxy.headers import PLAIN, REPLY_KINDS
from proxy.reply_head import MAX_HEAD, ReplyHead

if TYPE_CHECKING:
    from proxy.exchange import Exchange
    from proxy.tunnel import Tunnel

BUFFER = 512 * 1024
"""Bytes a side may wait to be written before the other side is no longer read."""

logger = logging.getLogger(__name__)


class UpstreamConnection(asyncio.Protocol):
    """`parked_at` is when it was last put among the replica's idle connections."""

    __slots__ = (
        "_complete",
        "_connected",
        "_exchange",
        "_framed",
        "_got_head",
        "_head",
        "_head_bytes",
        "_left",
        "_lines",
        "_out",
        "_parser",
        "_paused",
        "_rechunk",
        "_reusable",
        "_seen",
        "_tunnel",
        "parked_at",
        "replica",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.parked_at = 0.0
        self._exchange: Exchange | None = None
        self._tunnel: Tunnel | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._head = ReplyHead()
        self._out: list[bytes] = []
        self._lines: list[bytes] = []  # plain fields of the head, then the trailers
        self._left = 0
        self._paused = self._complete = self._connected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The replica accepted."""
        transport = cast("asyncio.Transport", transport)  # uvloop has its own classes
        self.transport, self._connected = transport, True
        transport.set_write_buffer_limits(BUFFER)

    def begin(self, exchange: "Exchange") -> None:
        """Serve this exchange; its request is written by it."""
        self._exchange = exchange
        self._got_head = self._complete = self._framed = self._reusable = self._rechunk = False
        self._head_bytes = self._seen = 0

    def drop(self) -> None:
        """The exchange does not want the reply any more."""
        self._exchange = None
        self.transport.abort()

    def discard(self) -> None:
        """Nobody waits for the connection any more, whether it was made or not."""
        if self._connected:
            self.transport.abort()

    def close(self) -> None:
        """Close a kept connection."""
        if self in self.replica.idle:
            self.replica.idle.remove(self)
        self.transport.close()

    def pause(self) -> None:
        """The client does not take what the replica sends."""
        if not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """The client takes bytes again: read on from the replica."""
        if self._paused:
            self._paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes of a reply."""
        if self._tunnel is not None:
            self._tunnel.from_replica(data)
            return
        exchange = self._exchange
        if exchange is None:  # bytes that nobody asked for: not to be trusted
            self.close()
            return
        exchange.active = True
        if self._left:
            self._take_body(exchange, data)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(exchange, data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._not_http(exchange, error)
        else:
            if self._got_head:
                self._pass_on(exchange)
            else:
                self._await_head(exchange, len(data))

    def _await_head(self, exchange: "Exchange", size: int) -> None:
        """The last read brought so many bytes of a head that goes on, or that will not do."""
        self._head_bytes += size
        if self._head.unfit or self._head_bytes > MAX_HEAD:
            self._break_off(exchange)

    def _pass_on(self, exchange: "Exchange") -> None:
        """Send what was made of the last read."""
        out = self._out
        if out:
            exchange.client.transport.write(out[0] if len(out) == 1 else b"".join(out))
            out.clear()
        if self._complete:
            self._finish(exchange)
        elif self._seen >= 0 and self._head.length >= 0:
            # A body of known length that goes on: the rest need not be parsed.
            self._left = self._head.length - self._seen
            self._seen = -1
            self._parser = httptools.HttpResponseParser(self)

    def _take_body(self, exchange: "Exchange", data: bytes) -> None:
        left = self._left
        if len(data) > left:
            data, self._reusable = data[:left], False
        self._left = left - len(data)
        exchange.client.transport.write(data)
        if not self._left:
            self._finish(exchange)

    def on_message_begin(self) -> None:
        """httptools: another reply begins."""
        if self._complete:  # a second reply, which nobody asked for
            self._reusable = False
        if self._head.unfit:
            return
        self._head = head = ReplyHead()
        self._lines = head.lines

    def on_status(self, reason: bytes) -> None:
        """httptools: a piece of the reason phrase."""
        self._head.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a field of the head, or a trailer."""
        kind = REPLY_KINDS[name]
        if kind is PLAIN:
            self._lines.append(b"%b: %b\r\n" % (name, value))
        elif not self._got_head:
            self._head.special(kind, name, value)

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        exchange, head, parser = self._exchange, self._head, self._parser
        head.status = status = parser.get_status_code()
        if exchange is None or self._complete:
            return
        if status < 100 or (status == 101 and not self._agrees(exchange)):
            head.unfit = True
        if head.unfit or (status < 200 and status != 101):
            # `100` we have sent ourselves; the others are hints (RFC 9110, 15.2).
            return
        self._got_head, self._lines = True, []
        method = exchange.head.method
        sized = head.length >= 0 or head.bodiless(method)
        self._framed = sized or head.chunked
        self._reusable = self._framed and parser.should_keep_alive()
        self._rechunk = rechunk = not sized and exchange.head.http11
        self._out.append(exchange.reply_head(head, sized or rechunk, rechunk))
        if method == b"HEAD":
            # llhttp would wait for the body that the head speaks of.
            self._complete = True
            self._reusable = parser.get_http_version() == "1.1" and head.stays
            self._parser = httptools.HttpResponseParser(self)

    def _agrees(self, exchange: "Exchange") -> bool:
        """Whether the upgrade that this reply speaks of was asked for, and is named."""
        return exchange.head.upgrades and self._parser.should_upgrade()

    def on_body(self, data: bytes) -> None:
        """httptools: a piece of the body."""
        if self._complete:
            self._reusable = False
        elif self._rechunk:
            self._out.append(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._out.append(data)
            self._seen += len(data)

    def on_message_complete(self) -> None:
        """httptools: the reply is whole."""
        if not self._got_head or self._complete or self._head.status == 101:
            return
        if self._rechunk:
            self._out.append(b"0\r\n%b\r\n" % b"".join(self._lines))
        self._complete = True

    def _upgraded(self, exchange: "Exchange", rest: bytes) -> None:
        if not self._got_head:
            self._break_off(exchange)
            return
        self._tunnel = tunnel = exchange.open_tunnel(self)
        exchange.client.transport.write(b"".join(self._out))
        self._out.clear()
        if rest:
            tunnel.from_replica(rest)

    def _not_http(self, exchange: "Exchange", error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            logger.error(
                "A reply could not be handled",
                exc_info=error,
                extra={"workflow": self.replica.id},
            )
        if self._complete:  # the reply was whole: what follows it is refused
            self._reusable = False
            exchange.client.transport.write(b"".join(self._out))
            self._out.clear()
            self._finish(exchange)
        else:
            self._break_off(exchange)

    def _break_off(self, exchange: "Exchange") -> None:
        self._out.clear()
        self.drop()
        exchange.broken()

    def _finish(self, exchange: "Exchange") -> None:
        self._exchange = None
        now, replica = monotonic(), self.replica
        if replica.failures:
            replica.answered()
        unsent = self.transport.get_write_buffer_size()
        if self._reusable and exchange.sent_all and not unsent and not replica.left_at:
            if self._paused:
                self.resume()
            self.parked_at = now
            replica.idle.append(self)
        else:  # at once: what was not taken of the request may never be
            self.transport.abort()
        exchange.done(now)

    def eof_received(self) -> bool:
        """The replica sends no more: close."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        exchange, self._exchange = self._exchange, None
        if self._tunnel is not None:
            self._tunnel.replica_gone()
        elif exchange is None:
            self.close()
        elif not self._got_head:
            exchange.upstream_gone()
        elif self._framed or error is not None:
            exchange.broken()
        else:  # the end of a body that only the end of the connection delimits
            if self._rechunk:
                exchange.client.transport.write(b"0\r\n\r\n")
            exchange.done(monotonic())

    def pause_writing(self) -> None:
        """The replica does not take what the client sends."""
        if self._tunnel is not None:
            self._tunnel.pause(client=True)
        elif self._exchange is not None:
            self._exchange.client.pause_body()

    def resume_writing(self) -> None:
        """The replica takes bytes again: let the client send on."""
        if self._tunnel is not None:
            self._tunnel.resume(client=True)
        elif self._exchange is not None:
            self._exchange.taken()
