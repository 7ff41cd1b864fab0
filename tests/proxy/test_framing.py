"""Where a message ends: never in doubt, never twice, whatever arrives."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, read_head, read_message

Start = Callable[..., Awaitable[Upstream]]
BODY = bytes(range(256)) * 400


def chunked(body: bytes, size: int = 7001) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


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


async def test_an_interim_reply_of_the_application_is_not_the_reply(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await connection.reply(b"real")

    name = await proxy.publish((await upstream(answer)).address)
    assert (await client.send(head(name))).body == b"real"


@pytest.mark.parametrize(
    ("method", "status", "lines"),
    [
        ("HEAD", "200 OK", ("content-length: 5",)),
        ("HEAD", "200 OK", ()),
        ("HEAD", "200 OK", ("transfer-encoding: chunked",)),
        ("GET", "204 No Content", ()),
        ("GET", "304 Not Modified", ("etag: x", "content-length: 5")),
    ],
)
async def test_replies_without_a_body_leave_both_connections_usable(
    proxy: RunningProxy,
    upstream: Start,
    client: Client,
    method: str,
    status: str,
    lines: tuple[str, ...],
) -> None:
    async def answer(connection: Connection) -> None:
        while True:
            await connection.request()
            fields = "".join(f"{line}\r\n" for line in lines)
            await connection.write(f"HTTP/1.1 {status}\r\n{fields}\r\n".encode())

    application = await upstream(answer)
    name = await proxy.publish(application.address)
    for _ in range(3):
        reply = await client.send(head(name, method=method), bodiless=True)
        assert reply.start == f"HTTP/1.1 {status}"
    assert application.connections == 1


async def test_our_own_answer_to_head_has_no_body(proxy: RunningProxy, client: Client) -> None:
    raw = head("nothing-here", method="HEAD")
    assert (await client.send(raw, bodiless=True)).status == 404
    assert (await client.send(raw, bodiless=True)).status == 404


async def test_pipelined_requests_are_answered_in_order(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        while True:
            request = await connection.request()
            if request.target == "/slow":
                await asyncio.sleep(0.1)
            await connection.reply(request.target.encode())

    name = await proxy.publish((await upstream(answer)).address)
    client.write(
        head(name, path="/slow")
        + head(name, "Content-Length: 3", method="POST", path="/b")
        + b"abc"
        + head("nothing-here")
        + head(name, path="/c")
    )
    bodies = [(await client.reply()).body for _ in range(4)]
    assert bodies[:2] == [b"/slow", b"/b"]
    assert b"not_found" in bodies[2]
    assert bodies[3] == b"/c"


async def test_thousands_of_pipelined_requests_are_answered(
    proxy: RunningProxy, client: Client
) -> None:
    client.write(b"GET /proxy/ HTTP/1.1\r\nHost: a\r\n\r\n" * 5000)
    for _ in range(5000):
        assert (await client.reply()).status == 404


async def test_a_wrong_request_in_a_pipeline_waits_for_its_turn(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    client.write(head(name, "Content-Length: 3", method="POST") + b"abcBROKEN\r\n\r\n")
    assert (await client.reply()).body == b"abc"
    assert (await client.reply()).status == 400
    assert await client.ended() == b""


async def test_an_old_client_gets_no_chunks(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        head_lines = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        await connection.write(head_lines + chunked(b"in pieces", 2))

    name = await proxy.publish((await upstream(answer)).address)
    client.write(head(name, version="1.0"))
    reply = await read_message(client.reader)
    assert reply.get("transfer-encoding") is None
    assert reply.body == b"in pieces"


async def test_an_old_client_may_keep_its_connection(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    for _ in range(2):
        reply = await client.send(head(name, "Connection: keep-alive", version="1.0"))
        assert reply.get("connection") == "keep-alive"


async def test_an_old_application_ends_its_reply_by_closing(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")

    name = await proxy.publish((await upstream(answer)).address)
    for _ in range(2):
        assert (await client.send(head(name))).body == b"until the end"


async def test_trailers_arrive(proxy: RunningProxy, upstream: Start, client: Client) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            b"3\r\nabc\r\n0\r\nX-Sum: 7\r\nUpgrade: x\r\n\r\n"
        )

    name = await proxy.publish((await upstream(answer)).address)
    reply = await client.send(head(name))
    assert (reply.body, reply.trailers) == (b"abc", [("X-Sum", "7")])


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 400_000,
        b"HTTP/1.1 000 Wat\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 099 Wat\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL",
        b"",
    ],
)
async def test_a_reply_that_is_not_http_is_a_502(
    proxy: RunningProxy, upstream: Start, client: Client, raw: bytes
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(raw)
        if raw:
            await connection.gone()

    name = await proxy.publish((await upstream(answer)).address)
    reply = await client.send(head(name))
    assert reply.status == 502
    assert b'"code": "bad_reply"' in reply.body


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [("O\0K\x1b[31m", ""), ("Fine\x7f", ""), ("Très bien", "Très bien"), ("", "")],
)
async def test_a_reason_that_is_no_text_is_left_out(
    proxy: RunningProxy, upstream: Start, client: Client, sent: str, arrives: str
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        start = f"HTTP/1.1 200 {sent}\r\n".encode("latin-1")
        await connection.write(start + b"content-length: 2\r\n\r\nok")
        await connection.gone()

    name = await proxy.publish((await upstream(answer)).address)
    reply = await client.send(head(name))
    assert (reply.start, reply.body) == (f"HTTP/1.1 200 {arrives}", b"ok")


async def test_bytes_after_a_reply_are_not_the_next_one(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        false = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfalse"
        await connection.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue" + false)
        await connection.gone()

    name = await proxy.publish((await upstream(answer)).address)
    for _ in range(3):
        assert (await client.send(head(name))).body == b"true"


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


async def test_an_upgrade_to_http2_is_not_passed_on(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    raw = head(name, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: x")
    client.write(raw + head(name))
    assert (await client.reply()).status == 200
    assert (await client.reply()).status == 200
    assert application.requests[0].get("upgrade") is None
    assert application.requests[0].get("http2-settings") is None


async def test_thousands_of_pipelined_upgrades_to_http2_are_plain_requests(
    proxy: RunningProxy, client: Client
) -> None:
    asked = b"GET /proxy/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    client.write(asked * 2000)
    for _ in range(2000):
        assert (await client.reply()).status == 404


async def test_a_client_that_reads_nothing_is_not_answered_without_end(
    proxy: RunningProxy, client: Client
) -> None:
    before = proxy.memory
    cast("asyncio.ReadTransport", client.writer.transport).pause_reading()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(ask_for_ever(client), 10)
    assert proxy.memory - before < 8_000_000


async def ask_for_ever(client: Client) -> None:
    while True:
        client.write(b"GET /proxy/ HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        await client.writer.drain()
