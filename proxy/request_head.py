"""The head of a request: hygiene on the way in, rebuilding on the way out. Pure.

llhttp has already refused what is ambiguous by itself: two lengths, a length beside a coding,
folded lines, blanks before a colon, bare line ends and control characters.
"""

from perdure.session_cookie import without_session
from proxy.headers import AUTHORIZATION, HOST, LENGTH, Kind, nominated, without
from proxy.request_id import line_of

MAX_FIELDS = 256
"""Of a request's head: more than any browser or client sends."""

MAX_HEAD = 64 * 1024
"""Bytes of a request's head. Cookies and tokens of real clients stay below 16 KiB."""

VERSIONS = ("1.1", "1.0")
REFUSED_METHODS = (b"CONNECT", b"TRACE")
_NOT_PASSED_ON = (b"h2c", b"h2", b"http")


class RequestHead:
    """One head, as parsed. `refusal` is the status to answer with, 0 when there is none.

    `upgrades`: it asks for an upgrade that we pass on, to one of those that `upgrade` names.
    HTTP/2 is for whoever is in front of us, and what follows a body is not ours to tell.
    `request_id` is a whole line, empty where the client named none that can be passed on.
    """

    __slots__ = (
        "authorization",
        "chunked",
        "connection",
        "cookies",
        "expects",
        "forwarded",
        "host",
        "http11",
        "keep",
        "length",
        "lines",
        "method",
        "preflight",
        "refusal",
        "request_id",
        "target",
        "token",
        "upgrade",
        "upgrades",
    )

    def __init__(self) -> None:
        self.method = b""
        self.target = b""
        self.lines: list[bytes] = []
        self.host: bytes | None = None
        self.authorization: bytes | None = None
        self.token: bytes | None = None
        self.connection = b""
        self.upgrade = b""
        self.preflight = b""
        self.request_id = b""
        self.cookies: list[bytes] | None = None
        self.forwarded: list[tuple[bytes, bytes]] | None = None
        self.length = 0
        self.chunked = self.expects = self.upgrades = False
        self.http11 = self.keep = True
        self.refusal = 0

    def special(self, kind: Kind, name: bytes, value: bytes) -> None:
        """Take in a field that is not plain."""
        if kind is HOST:
            if self.host is not None:
                self.refusal = 400
            self.host = value
        elif kind is AUTHORIZATION:
            if self.authorization is not None:
                self.refusal = 400
            self.authorization = value
        elif kind is LENGTH:
            self.length = int(value)
            self.lines.append(b"content-length: %d\r\n" % self.length)
        elif kind is Kind.CODING:
            self.chunked = True
            if value.strip().lower() != b"chunked":
                self.refusal = 400
        elif kind is Kind.TOKEN:
            if self.token is not None:
                self.refusal = 400
            self.token = value
        else:
            self._rare(kind, name, value)

    def _rare(self, kind: Kind, name: bytes, value: bytes) -> None:
        if kind is Kind.CONNECTION:
            self.connection += b", " + value if self.connection else value
        elif kind is Kind.UPGRADE:
            self.upgrade += b", " + value if self.upgrade else value
        elif kind is Kind.COOKIE:
            self.cookies = [*(self.cookies or ()), value]
        elif kind is Kind.FORWARDED:
            self.forwarded = [*(self.forwarded or ()), (name, value)]
        elif kind is Kind.REQUEST_ID:
            self.request_id = self.request_id or line_of(value)
        elif kind is Kind.EXPECT:
            self.expects = value.lower() == b"100-continue"
            if not self.expects:
                self.refusal = 417
        elif kind is Kind.PREFLIGHT:
            self.preflight = value
            self.lines.append(b"%b: %b\r\n" % (name, value))

    def complete(
        self, method: bytes, version: str, arrived: int, *, keep: bool, upgrade: bool
    ) -> None:
        """The last field is in: judge the head as a whole. `arrived`: at most so many bytes.

        `upgrade`: both of the fields that ask for one are there.
        """
        self.method, self.keep = method, keep
        self.http11 = version == "1.1"
        if self.target[:1] != b"/":
            self._absolute()
        self.refusal = self._fault(version, arrived) or self.refusal
        if self.refusal:
            self.keep = False
        if upgrade and self.http11 and self.bodiless:
            self.upgrade = _passed_on(self.upgrade)
            self.upgrades = bool(self.upgrade)

    def _fault(self, version: str, arrived: int) -> int:
        """The status to refuse it with, or 0."""
        if version not in VERSIONS:
            return 505
        if self.method in REFUSED_METHODS:
            return 405
        if (self.host is None or self.chunked) and not self._allowed_bare():
            return 400
        if b"#" in self.target:
            return 400
        if len(self.lines) > MAX_FIELDS or (arrived > MAX_HEAD and self.size() > MAX_HEAD):
            return 431
        return 0

    def _allowed_bare(self) -> bool:
        """HTTP/1.1 must name a host, and HTTP/1.0 knows no chunks."""
        return self.host is not None if self.http11 else not self.chunked

    def refuse(self, status: int) -> None:
        """It will be answered with this."""
        self.refusal, self.keep = status, False

    def size(self) -> int:
        """Bytes of the target and the plain fields."""
        return len(self.target) + sum(map(len, self.lines))

    def _absolute(self) -> None:
        """`GET http://host/path`: RFC 9112, 3.2.2 wants it understood, and its host believed."""
        scheme, separator, rest = self.target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            self.refusal = 400
            return
        cut = min((i for i in (rest.find(b"/"), rest.find(b"?")) if i >= 0), default=len(rest))
        self.host, path = rest[:cut], rest[cut:]
        self.target = path if path[:1] == b"/" else b"/" + path

    @property
    def bodiless(self) -> bool:
        """Whether no body follows."""
        return not self.length and not self.chunked

    @property
    def framing(self) -> bytes:
        """A head that says no more than how long the body is."""
        length = (
            b"transfer-encoding: chunked" if self.chunked else b"content-length: %d" % self.length
        )
        return b"POST / HTTP/1.1\r\n%b\r\n\r\n" % length

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent twice, when the first time brought no byte of a reply."""
        return self.bodiless and self.method in (b"GET", b"HEAD", b"OPTIONS")

    def render(self, target: bytes, host: bytes, extra: bytes, private: bool) -> bytes:
        """The head to send on. `extra` are whole lines.

        `private`: the application is a user's, so our session cookie stays here.
        """
        lines = self.lines
        if self.connection and (names := nominated(self.connection)):
            lines = without(lines, names)
        parts = [
            b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (self.method, target, host),
            *lines,
        ]
        if self.cookies:
            cookies = without_session(self.cookies) if private else b"; ".join(self.cookies)
            if cookies:
                parts.append(b"cookie: %b\r\n" % cookies)
        if self.authorization is not None:
            parts.append(b"authorization: %b\r\n" % self.authorization)
        if self.chunked:
            parts.append(b"transfer-encoding: chunked\r\n")
        elif self.upgrades:
            parts.append(b"connection: upgrade\r\nupgrade: %b\r\n" % self.upgrade)
        parts += (self.request_id, extra, b"\r\n")
        return b"".join(parts)


def _passed_on(upgrade: bytes) -> bytes:
    """The protocols of an `Upgrade` value, less HTTP itself."""
    names = (each.strip() for each in upgrade.split(b","))
    return b", ".join(
        each for each in names if each and each.lower().partition(b"/")[0] not in _NOT_PASSED_ON
    )
