"""What each header field means to a proxy. Pure."""

from enum import Enum


class Kind(Enum):
    """Why a field gets more than a copy."""

    PLAIN = "plain"
    HOP = "hop"
    HOST = "host"
    LENGTH = "length"
    CODING = "coding"
    CONNECTION = "connection"
    UPGRADE = "upgrade"
    EXPECT = "expect"
    AUTHORIZATION = "authorization"
    TOKEN = "token"  # noqa: S105 - the name of a field
    COOKIE = "cookie"
    FORWARDED = "forwarded"
    LOCATION = "location"
    CROSS_ORIGIN = "cross origin"
    PREFLIGHT = "preflight"
    REQUEST_ID = "request id"


# On the path of every request: in Python 3.11 `Kind.PLAIN` costs ten times as much as a global.
PLAIN, HOST, AUTHORIZATION, LENGTH = Kind.PLAIN, Kind.HOST, Kind.AUTHORIZATION, Kind.LENGTH

_HOP = {
    # RFC 9110, 7.6.1; `trailer` as RFC 2616 had it: the announcement, not the trailers.
    b"keep-alive": Kind.HOP,
    b"proxy-authenticate": Kind.HOP,
    b"proxy-authorization": Kind.HOP,
    b"proxy-connection": Kind.HOP,
    b"te": Kind.HOP,
    b"trailer": Kind.HOP,
    b"connection": Kind.CONNECTION,
    b"upgrade": Kind.UPGRADE,
    b"transfer-encoding": Kind.CODING,
    b"content-length": Kind.LENGTH,
}

_REQUEST = _HOP | {
    b"host": Kind.HOST,
    b"expect": Kind.EXPECT,
    b"authorization": Kind.AUTHORIZATION,
    b"x-perdure-token": Kind.TOKEN,
    b"cookie": Kind.COOKIE,
    b"forwarded": Kind.FORWARDED,
    b"x-real-ip": Kind.FORWARDED,
    b"access-control-request-headers": Kind.PREFLIGHT,
    b"x-request-id": Kind.REQUEST_ID,
}

_REPLY = _HOP | {
    b"location": Kind.LOCATION,
    b"set-cookie": Kind.COOKIE,
    b"access-control-allow-origin": Kind.CROSS_ORIGIN,
    b"access-control-allow-credentials": Kind.CROSS_ORIGIN,
    b"x-request-id": Kind.REQUEST_ID,
    b"x-perdure-replica": Kind.HOP,
}

FRAMING = frozenset((b"content-length", b"transfer-encoding", b"host", b"upgrade"))
"""What `Connection: name` cannot take away."""


class Kinds(dict[bytes, Kind]):
    """The kind of a field by its name as sent. Answers are kept, up to a bound."""

    CAPACITY = 4096

    def __init__(self, known: dict[bytes, Kind], *, request: bool) -> None:
        super().__init__()
        self._known = known
        self._request = request

    def __missing__(self, name: bytes) -> Kind:
        kind = self._classify(name.lower())
        if len(self) < self.CAPACITY and len(name) <= 64:
            self[name] = kind
        return kind

    def _classify(self, name: bytes) -> Kind:
        if not self._request:
            return self._known.get(name, PLAIN)
        # CGI and WSGI read `x_forwarded_for` as `x-forwarded-for`: a look-alike is not passed on.
        dashed = name.replace(b"_", b"-")
        if dashed.startswith(b"x-forwarded-"):
            kind = Kind.FORWARDED
        else:
            kind = self._known.get(dashed, PLAIN)
        return kind if dashed == name or kind is PLAIN else Kind.HOP


REQUEST_KINDS = Kinds(_REQUEST, request=True)
REPLY_KINDS = Kinds(_REPLY, request=False)


def nominated(connection: bytes) -> frozenset[bytes]:
    """The fields that a `Connection` value names as meant for one hop only, lower case."""
    value = connection.lower()
    if value in (b"keep-alive", b"close", b"upgrade", b"keep-alive, upgrade"):
        return frozenset()
    return frozenset(each.strip() for each in value.split(b",")) - FRAMING


def without(lines: list[bytes], names: frozenset[bytes]) -> list[bytes]:
    """`lines` (`name: value CRLF`) less those of these names."""
    return [line for line in lines if line[: line.index(b":")].lower() not in names]
