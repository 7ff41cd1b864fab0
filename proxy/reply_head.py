"""The head of a replica's reply: hygiene on the way in, rebuilding on the way out. Pure."""

import re

from perdure.session_cookie import sets_session
from proxy.headers import LENGTH, Kind, nominated, without
from proxy.request_head import RequestHead

MAX_HEAD = 256 * 1024
"""Bytes of a reply's head, before it is given up."""

ALL_IS_WELL = b"HTTP/1.1 200 OK\r\n"
OPEN_TO_ALL = b"access-control-allow-origin: *\r\n"

_REASON = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
"""RFC 9112, 4. Another one is left out: nobody needs it, and a terminal may obey it."""


class ReplyHead:
    """One head, as parsed. `length` is -1 when the reply does not say.

    `sessions` are the lines that set our own session, which none but the API may do; `request_id`
    is the line in which it names the request.
    `unfit`: no reply can be made of it, nor of what follows it.
    """

    __slots__ = (
        "chunked",
        "connection",
        "cross_origin",
        "length",
        "lines",
        "location",
        "reason",
        "request_id",
        "sessions",
        "status",
        "unfit",
        "upgrade",
    )

    def __init__(self) -> None:
        self.status = 0
        self.reason = b""
        self.lines: list[bytes] = []
        self.length = -1
        self.chunked = self.unfit = False
        self.connection = b""
        self.upgrade = self.request_id = b""
        self.location: bytes | None = None
        self.sessions: tuple[bytes, ...] = ()
        self.cross_origin: list[bytes] | None = None

    def special(self, kind: Kind, name: bytes, value: bytes) -> None:
        """Take in a field that is not plain."""
        if kind is LENGTH:
            self.length = int(value)
        elif kind is Kind.CODING:
            self.chunked = value.strip().lower() == b"chunked"
            self.unfit = not self.chunked
        elif kind is Kind.CONNECTION:
            self.connection += b", " + value if self.connection else value
        elif kind is Kind.LOCATION:
            self.location = value
        elif kind is Kind.UPGRADE:
            self.upgrade = value
        elif kind is Kind.CROSS_ORIGIN:
            self.cross_origin = [*(self.cross_origin or ()), b"%b: %b\r\n" % (name, value)]
        elif kind is Kind.REQUEST_ID:
            self.request_id = b"%b: %b\r\n" % (name, value)
        elif kind is Kind.COOKIE:
            line = b"%b: %b\r\n" % (name, value)
            if sets_session(value):
                self.sessions += (line,)
            else:
                self.lines.append(line)

    def bodiless(self, method: bytes) -> bool:
        """Whether no body follows, whatever the fields say (RFC 9112, 6.3)."""
        return method == b"HEAD" or self.status in (101, 204, 304)

    @property
    def stays(self) -> bool:
        """Whether the connection may be kept, going by `Connection` alone."""
        return b"close" not in self.connection.lower()

    def render(
        self, request: RequestHead, ours: bytes, rechunk: bool, keep: bool, open_to_all: bool
    ) -> bytes:
        """The head to send on, with `ours`, whole lines that the proxy adds.

        `rechunk`: in chunks; `keep`: another request may follow.
        """
        lines = self.lines
        if self.connection and (names := nominated(self.connection)):
            lines = without(lines, names)
        if self.status == 200 and self.reason == b"OK":
            parts = [ALL_IS_WELL, ours, *lines]
        else:
            reason = self.reason if _REASON.fullmatch(self.reason) else b""
            parts = [b"HTTP/1.1 %d %b\r\n" % (self.status, reason), ours, *lines]
        if self.location is not None:
            parts.append(b"location: %b\r\n" % self.location)
        if open_to_all:
            parts.append(OPEN_TO_ALL)
        elif self.cross_origin:
            parts += self.cross_origin
        if self.length >= 0 and self.status != 204:
            parts.append(b"content-length: %d\r\n" % self.length)
        if rechunk:
            parts.append(b"transfer-encoding: chunked\r\n")
        if self.status == 101 or not keep or not request.http11:
            parts.append(self._connection(request, keep))
        parts.append(b"\r\n")
        return b"".join(parts)

    def _connection(self, request: RequestHead, keep: bool) -> bytes:
        """What becomes of the connection, where HTTP/1.1 does not go without saying."""
        if self.status == 101:
            upgrade = self.upgrade or request.upgrade
            return b"connection: upgrade\r\nupgrade: %b\r\n" % upgrade
        return b"connection: keep-alive\r\n" if keep else b"connection: close\r\n"
