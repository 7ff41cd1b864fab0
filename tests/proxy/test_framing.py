"""Where a request ends: never in doubt, never twice, whatever arrives."""

from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Client, chunked, read_head

Start = Callable[..., Awaitable[Upstream]]
BODY = bytes(range(256)) * 400


@pytest.mark.parametrize(
    "lines",
    [
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Content-Length: 3", "Content-Length: 4"),
        ("Content-Length: +3",),
        ("Content-Length: 3, 3",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: \x0bchunked",),
        ("Transfer-Encoding : chunked",),
        ("Content-Length : 3",),
        ("X-Folded: a\r\n b",),
        ("X-Bare: a\rX-More: b",),
        ("X-Line: a\nX-More: b",),
        ("X-Nul: a\0b",),
        ("Host: other.test",),
        ("Authorization: Bearer other",),
        ("X-Perdure-Token: good", "X-Perdure-Token: other"),
    ],
)
async def test_ambiguous_heads_are_refused(
    proxy: RunningProxy, upstream: Start, client: Client, lines: tuple[str, ...]
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    reply = await client.send(head(name, *lines, method="POST") + b"abc")
    assert reply.status == 400
    assert reply.get("connection") == "close"
    assert application.connections == 0


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("CONNECT example.test:443 HTTP/1.1", 405),
        ("TRACE / HTTP/1.1", 405),
        ("GET / HTTP/2.0", 505),
        ("GET /a#b HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("NOPE / HTTP/1.1", 400),
        ("PRI * HTTP/2.0", 400),
    ],
)
async def test_requests_that_are_not_for_us_are_refused(
    client: Client, start: str, status: int
) -> None:
    assert (await client.send(f"{start}\r\nHost: a\r\n\r\n".encode())).status == status


async def test_a_request_without_host_is_refused(client: Client) -> None:
    assert (await client.send(b"GET /proxy/x HTTP/1.1\r\n\r\n")).status == 400


@pytest.mark.parametrize("size", [0, 1, 100_000, 300_000])
async def test_bodies_with_a_length_arrive_whole(
    proxy: RunningProxy, upstream: Start, client: Client, size: int
) -> None:
    name = await proxy.publish((await upstream()).address)
    body = (BODY * 4)[:size]
    for _ in range(2):
        reply = await client.send(head(name, f"Content-Length: {size}", method="POST") + body)
        assert reply.body == body


@pytest.mark.parametrize("size", [0, 1, 100_000, 300_000])
async def test_chunked_bodies_arrive_whole(
    proxy: RunningProxy, upstream: Start, client: Client, size: int
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    body = (BODY * 4)[:size]
    for _ in range(2):
        raw = head(name, "Transfer-Encoding: chunked", method="POST") + chunked(body)
        assert (await client.send(raw)).body == body
    assert application.requests[0].get("transfer-encoding") == "chunked"


async def test_a_wrong_chunk_in_mid_body_ends_the_request(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    client.write(head(name, "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n")
    await client.writer.drain()
    reply = await client.send(b"zz\r\n")
    assert reply.status == 400
    assert application.requests == []


async def test_expect_is_answered_before_the_body(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    client.write(head(name, "Expect: 100-continue", "Content-Length: 3", method="POST"))
    assert (await read_head(client.reader)).status == 100
    assert (await client.send(b"abc")).body == b"abc"
    assert application.requests[0].get("expect") is None


async def test_expect_is_not_answered_for_a_stranger(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    raw = head(name, "Expect: 100-continue", "Content-Length: 3", method="POST")
    assert (await client.send(raw.replace(b"good", b"bad"))).status == 401


async def test_another_expectation_is_refused(proxy: RunningProxy, client: Client) -> None:
    assert (await client.send(head("x", "Expect: tea"))).status == 417


async def test_a_large_head_gets_an_answer(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    raw = head(name, *(f"X-{number}: {'x' * 1000}" for number in range(60)))
    assert (await client.send(raw)).status == 200


async def test_a_huge_head_is_refused(proxy: RunningProxy, client: Client) -> None:
    client.write(head("x", "X: " + "x" * 1_000_000))
    assert (await client.reply()).status == 431
    assert await client.ended() == b""


async def test_a_head_that_never_ends_is_closed(proxy: RunningProxy, client: Client) -> None:
    client.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
    assert (await client.reply()).status == 408
    assert await client.ended() == b""
