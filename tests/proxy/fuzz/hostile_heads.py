"""Requests that are wrong: a corpus of what attackers send, and mutations of what is right."""

import random
from collections.abc import Callable

from tests.proxy.fuzz.conversation import KINDS, Names, chunks, only_head
from tests.proxy.fuzz.corpus import corpus
from tests.proxy.running import AUTH, head

SMUGGLED = b"GET /proxy/services/main/%b/plain/smuggled HTTP/1.1\r\nHost: in.test\r\n%b\r\n"
FIELDS = corpus("fields")
STARTS = (*corpus("starts"), b"GET /" + b"a" * 70_000 + b" HTTP/1.1")
SIZES = (*corpus("chunk-sizes"), b"1;" + b"a" * 20_000)
OTHERS = (*corpus("others"), b"\r\n" * 5000, b"\n" * 100_000, b"\0" * 5000)
NASTY = (
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b" ",
    b"\t",
    b":",
    b"\x0b",
    b"\x7f",
    b"\xff",
    b",",
    b";",
    b"0",
    b"\r\n\r\n",
)

BASES = tuple(kind for kind in KINDS if kind is not only_head)
"""A reply tells by itself where it ends, unless it is one to HEAD."""

Made = Callable[[random.Random, Names], bytes]


def hostile(chance: random.Random, names: Names) -> bytes:
    """Bytes of one connection: one or two wrong requests, perhaps after one that is right."""
    before = chance.choice(BASES)(chance, names).raw if chance.random() < 0.3 else b""
    wrong = chance.choice(MADE)(chance, names)
    if chance.random() < 0.15:
        wrong = mutated(chance, wrong)
    return before + wrong


def last_words(names: Names) -> bytes:
    """A request after which the proxy closes, if it gets to read it."""
    return head(names.run, "Connection: close", path="/plain/last")


def _body(chance: random.Random, names: Names) -> bytes:
    inner = SMUGGLED % (names.run.encode(), AUTH.encode())
    return chance.choice(
        (b"0\r\n\r\n" + inner, b"4\r\nabcd\r\n0\r\n\r\n" + inner, b"abcd" + inner, inner, b"")
    )


def _framing(chance: random.Random, names: Names) -> bytes:
    raw = head(names.run, "@", method=chance.choice(("POST", "GET")), path="/plain")
    line = chance.choice(FIELDS)
    return raw.replace(b"@", line) + _body(chance, names)


def _start(chance: random.Random, names: Names) -> bytes:
    target = f"/proxy/services/main/{names.run}/plain".encode()
    start = chance.choice(STARTS).replace(b"{t}", target)
    rest = head(names.run).partition(b"\r\n")[2]
    return start + b"\r\n" + rest


def _chunk(chance: random.Random, names: Names) -> bytes:
    raw = head(names.run, "Transfer-Encoding: chunked", method="POST", path="/plain")
    good = b"3\r\nabc\r\n" if chance.random() < 0.5 else b""
    size = chance.choice(SIZES)
    end = chance.choice((b"\r\n", b"\n", b"", b"XX", b"\r\n\r\n"))
    return raw + good + size + b"\r\n" + b"a" + end + b"0\r\n\r\n" + _body(chance, names)


def _trailer(chance: random.Random, names: Names) -> bytes:
    raw = head(names.run, "Transfer-Encoding: chunked", method="POST", path="/plain")
    line = chance.choice(FIELDS)
    return raw + b"1\r\na\r\n0\r\n" + line + b"\r\n\r\n" + _body(chance, names)


def _bare_ends(chance: random.Random, names: Names) -> bytes:
    raw = chance.choice(BASES)(chance, names).raw
    return raw.replace(b"\r\n", chance.choice((b"\n", b"\r", b"\n\r")), chance.choice((1, 2, -1)))


def _huge(chance: random.Random, names: Names) -> bytes:
    lines = chance.choice(
        (
            [f"X-{number}: y" for number in range(chance.choice((300, 1000, 20_000)))],
            ["X: " + "y" * chance.choice((70_000, 200_000, 1_000_000))],
            ["X" * chance.choice((5000, 100_000)) + ": y"],
            ["Cookie: " + "a=b; " * 20_000],
            ["Connection: " + "x, " * 30_000],
        )
    )
    return head(names.run, *lines, path="/plain")


def _truncated(chance: random.Random, names: Names) -> bytes:
    raw = chance.choice(BASES)(chance, names).raw
    return raw[: chance.randrange(len(raw))]


def _other(chance: random.Random, names: Names) -> bytes:
    return chance.choice((*OTHERS, chance.randbytes(chance.randrange(1, 3000))))


def _mutated(chance: random.Random, names: Names) -> bytes:
    raw = chance.choice(BASES)(chance, names).raw
    for _ in range(chance.randrange(1, 4)):
        raw = mutated(chance, raw)
    return raw


def mutated(chance: random.Random, raw: bytes) -> bytes:
    """One small change, mostly in the head."""
    if not raw:
        return raw
    size = len(raw) if chance.random() < 0.2 else max(1, raw.find(b"\r\n\r\n"))
    at = chance.randrange(size)
    lines = raw.split(b"\r\n")
    changes = (
        lambda: raw[:at] + bytes((chance.randrange(256),)) + raw[at + 1 :],
        lambda: raw[:at] + chance.choice(NASTY) + raw[at:],
        lambda: raw[:at] + raw[at + chance.randrange(1, 20) :],
        lambda: raw[: at + 20] + raw[at : at + chance.randrange(1, 40)] + raw[at + 20 :],
        lambda: b"\r\n".join([*lines[:2], chance.choice(lines), *lines[2:]]),
        lambda: raw[:at] + chunks(chance, raw[at : at + 50]) + raw[at:],
    )
    return chance.choice(changes)()


MADE: tuple[Made, ...] = (
    *(_framing, _framing, _framing, _start, _start, _chunk, _chunk, _trailer),
    *(_bare_ends, _huge, _truncated, _other, _mutated, _mutated, _mutated, _mutated),
)
