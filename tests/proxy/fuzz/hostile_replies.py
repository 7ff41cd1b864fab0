"""Replies that are wrong: what an application may send that is broken, or means harm."""

import random
from dataclasses import dataclass
from enum import Enum

from tests.proxy.fuzz.corpus import corpus

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
    """The bytes of a reply, how they end, and what has to become of them."""

    raw: bytes
    end: End
    fate: Fate


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


def script(chance: random.Random) -> Script:
    """One reply."""
    kind = chance.randrange(5)
    if kind == 0:
        return Script(chance.choice(REFUSED), chance.choice((End.STAYS, End.CLOSES)), Fate.REFUSED)
    if kind == 1:
        return Script(chance.choice(BROKEN), chance.choice((End.CLOSES, End.RESETS)), Fate.BROKEN)
    if kind == 2:
        return Script(chance.choice(WHOLE), chance.choice((End.STAYS, End.CLOSES)), Fate.WHOLE)
    raw = chance.choice((*REFUSED, *BROKEN, *WHOLE))
    if kind == 3:
        return Script(
            raw[: chance.randrange(len(raw))], chance.choice((End.CLOSES, End.RESETS)), Fate.ANY
        )
    return Script(_mutated(chance, raw), chance.choice(list(End)), Fate.ANY)


def _mutated(chance: random.Random, raw: bytes) -> bytes:
    at = chance.randrange(min(len(raw), 200))
    size = chance.choice((0, 1, 1, 3))
    return raw[:at] + chance.randbytes(chance.choice((0, 1, 2))) + raw[at + size :]
