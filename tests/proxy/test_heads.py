"""Small decisions about heads, as values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.errors import NotFound
from perdure.session_cookie import sets_session, without_session
from proxy.headers import REQUEST_KINDS, Kind, Kinds, nominated, without
from proxy.paths import Zone, locate
from proxy.redirects import under_prefix
from proxy.replies import moved, telling, without_replica


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"Accept", Kind.PLAIN),
        (b"X-Forwarded-Anything", Kind.FORWARDED),
        (b"x_forwarded_for", Kind.HOP),
        (b"X_Perdure_Token", Kind.HOP),
        (b"my_header", Kind.PLAIN),
        (b"TRANSFER-ENCODING", Kind.CODING),
        (b"transfer_encoding", Kind.HOP),
        (b"Location", Kind.PLAIN),
    ],
)
def test_what_a_field_of_a_request_means(name: bytes, kind: Kind) -> None:
    assert REQUEST_KINDS[name] is kind


def test_strange_names_do_not_fill_the_memory() -> None:
    kinds = Kinds({}, request=True)
    for number in range(Kinds.CAPACITY + 100):
        assert kinds[b"x-%d" % number] is Kind.PLAIN
    assert kinds[b"x" * 100] is Kind.PLAIN
    assert len(kinds) == Kinds.CAPACITY


@pytest.mark.parametrize(
    ("connection", "names"),
    [
        (b"keep-alive", set()),
        (b"Keep-Alive, Upgrade", set()),
        (b"close, X-A ,x-b", {b"close", b"x-a", b"x-b"}),
        (b"Host, Content-Length, Transfer-Encoding, X-A", {b"x-a"}),
    ],
)
def test_connection_nominates(connection: bytes, names: set[bytes]) -> None:
    assert nominated(connection) == names


def test_nominated_fields_go() -> None:
    lines = [b"X-A: 1\r\n", b"X-B: 2\r\n"]
    assert without(lines, frozenset((b"x-a",))) == [b"X-B: 2\r\n"]


@settings(deadline=None)
@given(st.lists(st.sampled_from((b"a=1", b"perdure_session=s", b"b=perdure_session", b" c = 2 "))))
def test_only_our_session_is_taken_from_cookies(pairs: list[bytes]) -> None:
    left = without_session([b";".join(pairs)]).split(b"; ") if pairs else []
    expected = [pair.strip() for pair in pairs if not pair.startswith(b"perdure_session")]
    assert [pair for pair in left if pair] == expected


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        (b"perdure_session=x; Path=/", True),
        (b"perdure_session", True),
        (b" \tperdure_session\t =x", True),
        (b"=perdure_session=x", True),
        (b"perdure_session\xa0=x", True),
        (b"perdure_session2=x", False),
        (b"Perdure_Session=x", False),
        (b"a=1; perdure_session=x", False),
        (b"", False),
    ],
)
def test_what_a_browser_sends_back_as_our_session(value: bytes, ours: bool) -> None:
    assert sets_session(value) is ours


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (b"/proxy/services/p/r/", (Zone.SERVICE, b"p", b"r", b"/")),
        (b"/proxy/services/p/r/a/b?c=/d", (Zone.SERVICE, b"p", b"r", b"/a/b?c=/d")),
        (b"/proxy/services/p/r", (Zone.SERVICE, b"p", b"r", b"")),
        (b"/proxy/services/p/r?a=/b", (Zone.SERVICE, b"p", b"r", b"?a=/b")),
        (b"/proxy/services/p/", (Zone.NOWHERE, b"", b"", b"")),
        (b"/proxy/services/?a=/b/c/d", (Zone.NOWHERE, b"", b"", b"")),
        (b"/proxy/models/p/chat/completions?a", (Zone.MODEL, b"p", b"", b"/chat/completions?a")),
        (b"/proxy/models/p", (Zone.MODEL, b"p", b"", b"")),
        (b"/proxy/else", (Zone.NOWHERE, b"", b"", b"")),
        (b"/", (Zone.FRONT, b"", b"", b"/")),
        (b"/proxyish", (Zone.FRONT, b"", b"", b"/proxyish")),
        (b"/api/internals/x", (Zone.FRONT, b"", b"", b"/api/internals/x")),
        (b"/api/internal/x", (Zone.FRONT, b"", b"", b"/api/internal/x")),
        (b"/api?x=/internal/", (Zone.FRONT, b"", b"", b"/api?x=/internal/")),
        (b"/a/%2e%2e/%49nternal/x", (Zone.NOWHERE, b"", b"", b"")),
        (b"/%252e/internal", (Zone.NOWHERE, b"", b"", b"")),
        (b"/..\\internal", (Zone.NOWHERE, b"", b"", b"")),
    ],
)
def test_paths_lead_to_places(target: bytes, place: tuple[Zone, bytes, bytes, bytes]) -> None:
    assert locate(target) == place


@pytest.mark.parametrize(
    ("location", "result"),
    [
        (b"/", b"/p/"),
        (b"/p", b"/p"),
        (b"/p/x", b"/p/x"),
        (b"/px", b"/p/px"),
        (b"HTTPS://Host/x?y#z", b"/p/x?y#z"),
        (b"http://host?y", b"/p/?y"),
        (b"http://host.evil/x", b"http://host.evil/x"),
        (b"mailto:a@host", b"mailto:a@host"),
        (b"../x", b"../x"),
        (b"", b""),
    ],
)
def test_redirects(location: bytes, result: bytes) -> None:
    assert under_prefix(location, b"/p", (b"host",)) == result


def test_our_replies() -> None:
    body = (
        b'{"detail": "No.", "code": "not_found", '
        b'"error": {"code": "not_found", "message": "No.", "hint": "Look."}}'
    )
    assert telling(NotFound("No.", hint="Look.")).render(keep=True) == (
        b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert b"retry-after: 3\r\n" in without_replica(3).render(keep=True)
    assert moved(b"/x/").render(keep=False) == (
        b"HTTP/1.1 308 Permanent Redirect\r\nlocation: /x/\r\ncontent-length: 0\r\n"
        b"connection: close\r\n\r\n"
    )
