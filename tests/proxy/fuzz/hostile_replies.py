"""Replies that are wrong: what an application may send that is broken, or means harm."""

import random
from dataclasses import dataclass
from enum import Enum

from tests.proxy.fuzz.corpus import corpus
from tests.proxy.fuzz.wires import cut

OK = b"HTTP/1.1 200 OK\r\n"


class Fate(Enum):
    """What has to become of it: a 502, a reply that is broken off, a whole one, or any of these."""

    REFUSED = "refused"
    BROKEN = "broken"
    WHOLE = "whole"
    ANY = "any"


class End(Enum):
    """What the application does after its last byte."""

    STAYS = "stays"
    CLOSES = "closes"
    RESETS = "resets"


@dataclass(frozen=True)
class Script:
    """The bytes of a reply in pieces, how they end, and what has to become of them.

    `given_up`: the proxy closes the connection, since it has seen what cannot be trusted.
    """

    pieces: tuple[bytes, ...]
    end: End
    fate: Fate
    given_up: bool = False


REFUSED = (
    *corpus("replies-refused"),
    OK + b"x: " + b"y" * 300_000,
    OK + b"x: y\r\n" * 60_000,
    b"HTTP/1.1 200 " + b"O" * 300_000,
    b"\r\n" * 200_000,
    b"HTTP/1.1 103 x\r\n\r\n" * 40_000,
)
BROKEN = corpus("replies-broken")
WHOLE = corpus("replies-whole")
SURPLUS = corpus("replies-surplus")
"""Whole ones too, with bytes behind them that nobody asked for."""


def script(chance: random.Random) -> Script:
    """One reply."""
    left, ended = chance.choice((End.STAYS, End.CLOSES)), chance.choice((End.CLOSES, End.RESETS))
    match chance.randrange(6):
        case 0:
            return Script(_cut(chance, chance.choice(REFUSED)), left, Fate.REFUSED, given_up=True)
        case 1:
            return Script(_cut(chance, chance.choice(BROKEN)), ended, Fate.BROKEN)
        case 2:
            return Script(_cut(chance, chance.choice(WHOLE)), left, Fate.WHOLE)
        case 3:  # in one piece: what comes later may find the next request waiting
            return Script((chance.choice(SURPLUS),), left, Fate.WHOLE, given_up=True)
    raw = chance.choice((*REFUSED, *BROKEN, *WHOLE, *SURPLUS))
    if chance.random() < 0.3:
        return Script(_cut(chance, raw[: chance.randrange(len(raw))]), ended, Fate.ANY)
    return Script(_cut(chance, _mutated(chance, raw)), chance.choice(list(End)), Fate.ANY)


def _cut(chance: random.Random, raw: bytes) -> tuple[bytes, ...]:
    return tuple(cut(chance, raw)) if chance.random() < 0.5 else (raw,)


def _mutated(chance: random.Random, raw: bytes) -> bytes:
    at = chance.randrange(min(len(raw), 200))
    size = chance.choice((0, 1, 1, 3))
    return raw[:at] + chance.randbytes(chance.choice((0, 1, 2))) + raw[at + size :]
