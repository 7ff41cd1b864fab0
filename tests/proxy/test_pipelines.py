"""Many requests at once on one connection: each is answered, in order, and with an end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client

Start = Callable[..., Awaitable[Upstream]]


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
