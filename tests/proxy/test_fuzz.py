"""However the bytes of a conversation are cut, the answers are the same."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.test_framing import chunked
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Message

Start = Callable[..., Awaitable[Upstream]]
ROUNDS = 60
OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")


def conversation(chance: random.Random, name: str) -> list[tuple[bytes, bool]]:
    """Requests of all kinds, and whether the reply to each has no body."""
    kinds: list[Callable[[bytes], tuple[bytes, bool]]] = [
        lambda body: (head(name, path=f"/{len(body)}?q={len(body)}"), False),
        lambda body: (head(name, method="HEAD"), True),
        lambda body: (head("nothing-here"), False),
        lambda body: (head(name).replace(b"good", b"bad"), False),
        lambda body: (head(name, f"Content-Length: {len(body)}", method="POST") + body, False),
        lambda body: (
            head(name, "Transfer-Encoding: chunked", method="PUT")
            + chunked(body, 1 + chance.randrange(900)),
            False,
        ),
        lambda body: (
            head(name, *OFFER, f"Content-Length: {len(body)}", method="POST") + body,
            False,
        ),
        lambda body: (
            head(name, *OFFER, "Transfer-Encoding: chunked", method="PUT")
            + chunked(body, 1 + chance.randrange(900)),
            False,
        ),
        lambda body: (model(b'{"model": "fuzz", "x": "%d"}' % len(body)), False),
        lambda body: (model(b"{" * (1 + len(body) % 50)), False),
    ]
    return [
        chance.choice(kinds)(chance.randbytes(chance.choice((0, 1, 50, 3000, 20_000))))
        for _ in range(chance.randrange(1, 9))
    ]


def model(body: bytes) -> bytes:
    lines = f"Authorization: Bearer good\r\nContent-Length: {len(body)}\r\n"
    target = "/proxy/models/main/chat/completions"
    return f"POST {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode() + body


def cut(chance: random.Random, data: bytes) -> list[bytes]:
    """The same bytes in pieces, here and there a very small one."""
    places = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 12)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True) if a < b]


async def answers(proxy: RunningProxy, pieces: list[bytes], bodiless: list[bool]) -> list[Message]:
    client = await proxy.connect()

    async def write() -> None:
        for piece in pieces:
            client.write(piece)
            await client.writer.drain()
            await asyncio.sleep(0.001)

    writing = asyncio.ensure_future(write())
    replies = [await client.reply(bodiless=each) for each in bodiless]
    await writing
    client.writer.close()
    await client.writer.wait_closed()
    return replies


@pytest.mark.parametrize("seed", range(4))
async def test_cut_requests_get_the_answers_of_uncut_ones(
    proxy: RunningProxy, upstream: Start, seed: int
) -> None:
    chance = random.Random(seed)
    application = await upstream()
    name = await proxy.publish(application.address, model="fuzz")
    for _ in range(ROUNDS // 4):
        requests = conversation(chance, name)
        whole, bodiless = b"".join(raw for raw, _ in requests), [each for _, each in requests]
        one_by_one = [(await answers(proxy, [raw], [bodiless]))[0] for raw, bodiless in requests]
        assert await answers(proxy, [whole], bodiless) == one_by_one
        assert await answers(proxy, cut(chance, whole), bodiless) == one_by_one
    await proxy.remove(name)
