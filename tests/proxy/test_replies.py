"""What an application answers, and where its reply ends."""

from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, chunked, read_message

Start = Callable[..., Awaitable[Upstream]]


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
