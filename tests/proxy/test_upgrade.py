"""Offers of an upgrade that are not taken: the request is an ordinary one, body and all."""

from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client, chunked, read_head

Start = Callable[..., Awaitable[Upstream]]

HTTP2 = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAM")
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket")
SMUGGLED = head("smuggled", path="/smuggled")


def framed(body: bytes, *, chunks: bool) -> tuple[str, bytes]:
    """The field that says how long the body is, and the body on the wire."""
    if chunks:
        return "Transfer-Encoding: chunked", chunked(body)
    return f"Content-Length: {len(body)}", body


@pytest.mark.parametrize("offer", [HTTP2, WEBSOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize("chunks", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("times", [1, 3000])
async def test_the_body_beside_an_offer_is_a_body_and_no_request(
    proxy: RunningProxy,
    upstream: Start,
    client: Client,
    offer: tuple[str, ...],
    chunks: bool,
    times: int,
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    body = SMUGGLED * times
    framing, wire = framed(body, chunks=chunks)
    asked = head(name, *offer, framing, method="POST")
    client.write(asked + wire + asked + wire + head(name, path="/last"))
    assert (await client.reply()).body == body
    assert (await client.reply()).body == body
    assert (await client.reply()).status == 200
    assert [each.target for each in application.requests] == ["/", "/", "/last"]
    assert {each.get("upgrade") for each in application.requests} == {None}
    assert {each.get("connection") for each in application.requests} == {None}


@pytest.mark.parametrize("chunks", [False, True], ids=["length", "chunked"])
async def test_a_body_that_comes_after_the_head_of_an_offer(
    proxy: RunningProxy, upstream: Start, client: Client, chunks: bool
) -> None:
    name = await proxy.publish((await upstream()).address)
    framing, wire = framed(b'{"hello": 1}', chunks=chunks)
    client.write(head(name, *HTTP2, framing, "Expect: 100-continue", method="POST"))
    assert (await read_head(client.reader)).status == 100
    assert (await client.send(wire)).body == b'{"hello": 1}'
    assert (await client.send(head(name))).status == 200


async def test_a_wrong_chunk_beside_an_offer_is_refused(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    asked = head(name, *HTTP2, "Transfer-Encoding: chunked", method="POST")
    assert (await client.send(asked + b"zz\r\n" + SMUGGLED)).status == 400
    assert await client.ended() == b""


async def test_a_connection_that_is_to_close_closes_after_a_declined_offer(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    lines = ("Connection: close, Upgrade", "Upgrade: h2c", "Content-Length: 2")
    reply = await client.send(head(name, *lines, method="POST") + b"ab" + SMUGGLED)
    assert (reply.body, reply.get("connection")) == (b"ab", "close")
    assert await client.ended() == b""


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        (("Upgrade: websocket",), "1.1"),
        (("Connection: keep-alive, x-upgrade", "Upgrade: websocket"), "1.1"),
        (("Connection: upgrade",), "1.1"),
        (("Connection: upgrade", "Upgrade: h2c"), "1.1"),
        (("Connection: upgrade", "Upgrade: H2C, HTTP/2.0 , h2"), "1.1"),
        (("Connection: keep-alive, upgrade", "Upgrade: websocket"), "1.0"),
    ],
)
async def test_what_asks_for_no_upgrade_of_ours_is_a_plain_request(
    proxy: RunningProxy, upstream: Start, client: Client, lines: tuple[str, ...], version: str
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    for _ in range(2):
        assert (await client.send(head(name, *lines, version=version))).status == 200
    assert {each.get("upgrade") for each in application.requests} == {None}


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: x, Upgrade", "Upgrade: foo, h2c"),
        ("Connection: x", "Connection: upgrade", "Upgrade: HTTP/2.0", "Upgrade: foo"),
    ],
)
async def test_of_a_list_all_but_http2_is_passed_on(
    proxy: RunningProxy, upstream: Start, client: Client, lines: tuple[str, ...]
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    await client.send(head(name, *lines))
    assert application.requests[0].all("upgrade") == ["foo"]
    assert application.requests[0].all("connection") == ["upgrade"]


SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\n"
NAMED = b"Connection: upgrade\r\nUpgrade: x\r\n"


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ((), SWITCHING + NAMED),
        (("Upgrade: x",), SWITCHING + NAMED),
        (("Connection: upgrade", "Upgrade: h2c"), SWITCHING + NAMED),
        (("Connection: upgrade", "Upgrade: x"), SWITCHING),
    ],
)
async def test_a_switch_that_was_not_agreed_is_a_502(
    proxy: RunningProxy, upstream: Start, client: Client, lines: tuple[str, ...], reply: bytes
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(reply + b"\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL")
        await connection.gone()

    name = await proxy.publish((await upstream(answer)).address)
    assert (await client.send(head(name, *lines))).status == 502


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
