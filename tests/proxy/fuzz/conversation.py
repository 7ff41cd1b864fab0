"""Conversations that are right: requests of all kinds on one connection, and their answers."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.proxy.running import head

MODES = ("plain", "chunks", "trailers", "hints", "closes", "ends", "old", "nothing")
SIZES = (0, 1, 2, 50, 3000, 20_000, 90_000)
HTTP2 = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
PLACES = ("/proxy/", "/proxy/nowhere", "/internal/v1/feed", "/%69nternal/x", "/", "/api/v1/me")


@dataclass(frozen=True)
class Ask:
    """A request and what its answer has to be; `body` None: whatever, but always the same.

    `arrives`: the application sees it. `last`: the proxy closes after it. `early`: it is answered
    before its body was read, and whether the connection stays depends on when that comes.
    `tunnel` are the bytes that come back after an upgrade.
    """

    raw: bytes
    status: int
    body: bytes | None = None
    arrives: bool = True
    head_only: bool = False
    last: bool = False
    early: bool = False
    tunnel: bytes = b""


@dataclass(frozen=True)
class Names:
    """A run, and the model that it answers for."""

    run: str
    model: str


def conversation(chance: random.Random, names: Names) -> list[Ask]:
    """One connection's: some requests that leave it open, and perhaps one that does not."""
    kept = [chance.choice(KINDS)(chance, names) for _ in range(chance.randrange(0, 8))]
    if not kept or chance.random() < 0.5:
        kept.append(chance.choice(LAST)(chance, names))
    return kept


def _body(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice(SIZES))


def _fields(chance: random.Random) -> list[str]:
    """Fields that mean nothing to a proxy, in odd but right spellings."""
    odd = (
        "x-a: 1",
        "X-B:no blank",
        "X-C: \t  blanks about  \t",
        "X-Empty:",
        "x-latin: tr\xe8s",
        "Cookie: a=1; perdure_session=mine",
        "X-Forwarded-For: 6.6.6.6",
        "x_forwarded_for: 6.6.6.6",
        "Connection: X-Dropped",
        "X-Dropped: this",
        "TE: trailers",
        "Accept: " + "y" * chance.choice((1, 100, 5000)),
    )
    return chance.sample(odd, chance.randrange(0, 4))


def _encoded(raw: str | bytes) -> bytes:
    return raw if isinstance(raw, bytes) else raw.encode("latin-1")


def _request(
    names: Names, *lines: str, method: str = "GET", path: str = "/", version: str = "1.1"
) -> bytes:
    return head(names.run, method=method, path=path, version=version).replace(
        b"\r\n\r\n", b"\r\n" + b"".join(_encoded(f"{line}\r\n") for line in lines) + b"\r\n"
    )


def _answered(mode: str, body: bytes) -> tuple[int, bytes]:
    return (204, b"") if mode == "nothing" else (200, body)


def _get(chance: random.Random, names: Names) -> Ask:
    mode = chance.choice(MODES)
    path = f"/{mode}/%7e/{chance.randrange(10**6)}?q=/../{chance.randrange(10)}"
    raw = _request(names, *_fields(chance), path=path)
    return Ask(chance.choice((b"", b"", b"\r\n")) + raw, *_answered(mode, b""))


def _absolute(chance: random.Random, names: Names) -> Ask:
    scheme, host = chance.choice(("http", "HTTPS")), chance.choice(("a.test", "a.test:1"))
    raw = _request(names, path="/plain/abs").replace(b" /", f" {scheme}://{host}/".encode(), 1)
    return Ask(raw, 200, b"")


def only_head(chance: random.Random, names: Names) -> Ask:
    return Ask(_request(names, *_fields(chance), method="HEAD"), 200, b"", head_only=True)


def _measured(chance: random.Random, names: Names) -> Ask:
    mode, body = chance.choice(MODES), _body(chance)
    lines = [*_fields(chance), f"Content-Length: {len(body)}", *_expected(chance)]
    chance.shuffle(lines)
    raw = _request(names, *lines, method=chance.choice(("POST", "PUT", "DELETE")), path=f"/{mode}")
    return Ask(raw + body, *_answered(mode, body))


def _expected(chance: random.Random) -> list[str]:
    return chance.choice(([], [], ["Expect: 100-continue"], ["expect: 100-CONTINUE"]))


def _in_chunks(chance: random.Random, names: Names) -> Ask:
    mode, body = chance.choice(MODES), _body(chance)
    offer = HTTP2 if chance.random() < 0.2 else _expected(chance)
    raw = _request(names, "Transfer-Encoding: chunked", *offer, method="PATCH", path=f"/{mode}")
    return Ask(raw + chunks(chance, body), *_answered(mode, body))


def chunks(chance: random.Random, body: bytes) -> bytes:
    """The body in chunks of odd sizes, with extensions and trailers here and there."""
    out, at = [], 0
    while at < len(body):
        piece = body[at : at + 1 + chance.randrange(9000)]
        size = chance.choice((b"%x", b"%X", b"000%x")) % len(piece)
        out.append(size + chance.choice((b"", b";a", b';a="b c"', b";a=b;c")) + b"\r\n" + piece)
        at += len(piece)
    end = chance.choice((b"", b"", b"X-Trailer: 1\r\n", b"Host: other\r\nAuthorization: x\r\n"))
    return b"".join(piece + b"\r\n" for piece in out) + b"0\r\n" + end + b"\r\n"


def _http2_offer(chance: random.Random, names: Names) -> Ask:
    body = _body(chance)
    raw = _request(names, *HTTP2, f"Content-Length: {len(body)}", method="POST", path="/plain")
    return Ask(raw + body, 200, body)


def _old(chance: random.Random, names: Names) -> Ask:
    raw = _request(names, "Connection: keep-alive", path="/plain", version="1.0")
    return Ask(raw, 200, b"")


def _model(chance: random.Random, names: Names) -> Ask:
    filler = "z" * chance.choice(SIZES)
    body = f'{{"x": "{filler}", "model": "{names.model}"}}'.encode()
    return Ask(to_model(chance, body), 200, body)


def _no_model(chance: random.Random, names: Names) -> Ask:
    body = chance.choice((b"{", b"[]", b'{"model": 1}', b"{" * 20_000, b"\xff" * 50))
    return Ask(to_model(chance, body), 400, arrives=False)


def to_model(chance: random.Random, body: bytes) -> bytes:
    """A request to a model, with this body."""
    lines = b"Host: a\r\nAuthorization: Bearer good\r\n"
    start = b"POST /proxy/models/main/chat/completions HTTP/1.1\r\n"
    if chance.random() < 0.5:
        return start + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return start + lines + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(chance, body)


def _unknown(chance: random.Random, names: Names) -> Ask:
    return Ask(head("nothing-here"), 404, arrives=False)


def _stranger(chance: random.Random, names: Names) -> Ask:
    token, status = chance.choice(((b"bad", 401), (b"other", 403)))
    return Ask(_request(names).replace(b"good", token), status, arrives=False)


def _nowhere(chance: random.Random, names: Names) -> Ask:
    raw = f"GET {chance.choice(PLACES)} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    return Ask(raw, 404, arrives=False)


def _moved(chance: random.Random, names: Names) -> Ask:
    return Ask(_request(names, path="?a=b"), 308, b"", arrives=False)


def _closing(chance: random.Random, names: Names) -> Ask:
    mode, body = chance.choice(MODES), _body(chance)
    lines = ("Connection: close", f"Content-Length: {len(body)}")
    raw = _request(names, *lines, method="POST", path=f"/{mode}")
    return Ask(raw + body, *_answered(mode, body), last=True)


def _very_old(chance: random.Random, names: Names) -> Ask:
    mode = chance.choice(MODES)
    raw = _request(names, path=f"/{mode}", version="1.0")
    return Ask(raw, *_answered(mode, b""), last=True)


def _stranger_with_body(chance: random.Random, names: Names) -> Ask:
    body = _body(chance)
    raw = _request(names, f"Content-Length: {len(body)}", method="POST").replace(b"good", b"bad")
    return Ask(raw + body, 401, arrives=False, early=True)


def _refused(chance: random.Random, names: Names) -> Ask:
    line = chance.choice(("Host: two", "Content-Length: x", "X : y", "X: a\r\n folded"))
    return Ask(_request(names, line), 400, arrives=False, last=True)


def _upgrade(chance: random.Random, names: Names) -> Ask:
    lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAA")
    frames = b"".join(_frame(chance) for _ in range(chance.randrange(6)))
    return Ask(_request(names, *lines) + frames, 101, b"", tunnel=frames)


def _frame(chance: random.Random) -> bytes:
    payload = chance.randbytes(chance.choice((0, 1, 125, 126, 3000, 70_000)))
    size = len(payload)
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 65536:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    return bytes((0x82,)) + length + chance.randbytes(4) + payload


Kind = Callable[[random.Random, Names], Ask]
KINDS: tuple[Kind, ...] = (
    *(_get, _get, _absolute, only_head, _measured, _measured, _in_chunks, _in_chunks),
    *(_http2_offer, _old, _model, _no_model, _unknown, _stranger, _nowhere, _moved),
)
LAST: tuple[Kind, ...] = (_closing, _very_old, _stranger_with_body, _refused, _upgrade)
