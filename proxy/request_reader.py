"""Requests out of a client's bytes: heads by llhttp, bodies past it where that is possible."""

import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

import httptools

from proxy.collection import join_small
from proxy.exchange import Exchange
from proxy.headers import PLAIN, REQUEST_KINDS
from proxy.request_head import MAX_HEAD, RequestHead

if TYPE_CHECKING:
    from proxy.client import ClientConnection

EARLY = 64 * 1024
"""Bytes that a client may send after an upgrade request before it was answered."""

logger = logging.getLogger(__name__)


class RequestReader:
    """Fills `queue`. `deaf`: nothing that still comes is a request.

    `head_since` is when the head under way began, 0 while there is none.
    """

    __slots__ = (
        "_client",
        "_exchange",
        "_head",
        "_head_bytes",
        "_left",
        "_lines",
        "_parser",
        "_upgrading",
        "deaf",
        "head_since",
        "queue",
    )

    def __init__(self, client: "ClientConnection") -> None:
        self._client = client
        self.queue: deque[Exchange] = deque()
        self.deaf = False
        self.head_since = 0.0
        self._parser = httptools.HttpRequestParser(self)
        self._head: RequestHead | None = None  # the head under way
        self._lines: list[bytes] = []  # its plain fields
        self._head_bytes = 0
        self._exchange: Exchange | None = None  # whose body is under way
        self._left = 0  # bytes of a body of known length still to come, past the parser
        self._upgrading: Exchange | None = None

    def read(self, data: bytes) -> None:
        """Take in the next bytes, cut anywhere."""
        if self._left:
            data = self._take_known_body(data)
            if not data:
                return
        if self._upgrading is not None:
            self._take_early(self._upgrading, data)
            return
        self._head_bytes += len(data)
        while data:
            try:
                self._parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                data = self._upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                if isinstance(error, httptools.HttpParserCallbackError):
                    logger.error("A request could not be handled", exc_info=error)
                self._refuse(400)
                break
        if self._head is not None:
            self._check_head()
        elif self._exchange is not None and len(self.queue) == 1:
            self._skip_parser(self._exchange)

    def _check_head(self) -> None:
        """A head is under way."""
        self.head_since = self.head_since or monotonic()
        if self._head_bytes > MAX_HEAD:
            self._refuse(431)

    def _skip_parser(self, exchange: Exchange) -> None:
        """A body of known length that goes on need not be parsed."""
        if exchange.head.length:
            self._left = exchange.head.length - exchange.seen
            self._parser = httptools.HttpRequestParser(self)

    def _upgrade(self, rest: bytes) -> bytes:
        """An upgrade was asked for, or CONNECT; what of `rest` is a request again."""
        last = self.queue[-1]
        if last.head.refusal:
            self.deaf = True
        elif last.head.upgrades:
            self._upgrading = last
            if rest:
                last.body.append(rest)
        else:
            self._decline(last)
            return rest
        return b""

    def _decline(self, exchange: Exchange) -> None:
        """An upgrade that is not passed on is not one (RFC 9110, 7.8): HTTP goes on.

        The parser has taken the head for the whole request. A body is read by another one, which
        is told its framing by a head that counts as none.
        """
        self._parser = httptools.HttpRequestParser(self)
        if not exchange.head.bodiless:
            exchange.sent_all, self._exchange = False, exchange
            self._parser.feed_data(exchange.head.framing)

    def _refuse(self, status: int) -> None:
        """What comes is no request, or not the body of one; the answer waits for its turn."""
        self.deaf, self._head = True, None
        if self._exchange is not None:
            self._exchange.spoil()
            return
        head = RequestHead()
        head.refuse(status)
        self.queue.append(Exchange(self._client, head))

    def _take_known_body(self, data: bytes) -> bytes:
        exchange, left = self.queue[0], self._left
        piece, rest = (data, b"") if len(data) <= left else (data[:left], data[left:])
        self._left = left - len(piece)
        if not self._left:
            exchange.sent_all, self._exchange = True, None
        exchange.take_body(piece)
        return rest

    def _take_early(self, exchange: Exchange, data: bytes) -> None:
        exchange.body.append(data)
        join_small(exchange.body)
        if sum(map(len, exchange.body)) > EARLY:
            self._client.pause_body()

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
            return
        head = self._head
        if head is not None:
            head.special(kind, name, value)

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        head, parser = self._head, self._parser
        assert head is not None
        self._head, self._lines = None, []
        if self._exchange is not None:  # the head that only tells a parser how a body is framed
            return
        head.complete(
            parser.get_method(),
            parser.get_http_version(),
            self._head_bytes,
            keep=parser.should_keep_alive(),
            upgrade=parser.should_upgrade(),
        )
        self._head_bytes, self.head_since = 0, 0.0
        self._exchange = exchange = Exchange(self._client, head)
        self.queue.append(exchange)

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
