"""Models: transparent but for the choice of the service."""

import json
from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import AUTH, RunningProxy
from tests.proxy.upstream import Connection, Upstream, answering
from tests.proxy.wire import Client, read_head
from tests.testbed.deadline import eventually

Start = Callable[..., Awaitable[Upstream]]
Connect = Callable[[], Awaitable[Client]]


def call(
    body: bytes,
    path: str = "/chat/completions",
    *lines: str,
    method: str = "POST",
    auth: str = AUTH,
) -> bytes:
    fields = "".join(f"{line}\r\n" for line in (*lines, f"Content-Length: {len(body)}"))
    target = f"/proxy/models/main{path}"
    return f"{method} {target} HTTP/1.1\r\nHost: front.test\r\n{auth}{fields}\r\n".encode() + body


async def test_the_body_goes_through_byte_for_byte(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    await proxy.publish(application.address, model="byte")
    body = b'{ "extra": [1.0, "\xc3\xa4"],\n "model" : "byte", "stream": false, "tools": null }  '
    assert (await client.send(call(body))).body == body
    request = application.requests[0]
    assert request.target == "/v1/chat/completions"
    assert request.get("authorization") is None


@pytest.mark.parametrize("path", ["/embeddings", "/completions", "/a%2Fb/c?d=e", "/responses"])
async def test_everything_under_the_prefix_is_reachable(
    proxy: RunningProxy, upstream: Start, client: Client, path: str
) -> None:
    application = await upstream()
    await proxy.publish(application.address, model="reach")
    await client.send(call(b'{"model": "reach"}', path))
    await proxy.remove(list(proxy.routes)[-1])
    assert application.requests[0].target == f"/v1{path}"


async def test_a_chunked_body_is_read_too(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    await proxy.publish(application.address, model="pieces")
    raw = call(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    client.write(raw + b'a\r\n{"model": \r\n')
    reply = await client.send(b'9\r\n"pieces"}\r\n0\r\n\r\n')
    assert reply.body == b'{"model": "pieces"}'


async def test_expect_is_answered_although_the_body_decides(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    await proxy.publish((await upstream()).address, model="expect")
    body = b'{"model": "expect"}'
    client.write(call(body, "/chat/completions", "Expect: 100-continue")[: -len(body)])
    assert (await read_head(client.reader)).status == 100
    assert (await client.send(body)).body == body


async def test_a_stream_arrives_piece_by_piece(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    async def answer(connection: Connection) -> None:
        await connection.request()
        await connection.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n"
        )
        await connection.gone()

    await proxy.publish((await upstream(answer)).address, model="stream")
    client.write(call(b'{"model": "stream", "stream": true}'))
    assert (await read_head(client.reader)).status == 200
    assert await client.reader.readexactly(14) == b"9\r\ndata: a\n\n\r\n"


async def test_services_with_one_model_name_share_the_load(
    proxy: RunningProxy, upstream: Start, connect: Connect
) -> None:
    async def hold(connection: Connection) -> None:
        await connection.request()
        await connection.gone()

    names = [await proxy.publish((await upstream(hold)).address, model="shared") for _ in range(2)]
    clients = [await connect() for _ in range(4)]
    for each in clients:
        each.write(call(b'{"model": "shared"}'))
        await proxy_has(proxy, clients.index(each) + 1)
    stats = proxy.stats()
    assert [stats.in_flight[f"{name}/r0"] for name in names] == [2, 2]
    assert [stats.arrived[f"main/{name}"] for name in names] == [2, 2]
    for each in clients:
        each.abort()
    await proxy_has(proxy, 0)


async def proxy_has(proxy: RunningProxy, in_flight: int) -> None:
    await eventually(lambda: proxy.in_flight == in_flight)


async def test_models_are_listed_as_openai_does(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    await proxy.publish((await upstream()).address, model="org/listed")
    await proxy.publish(model="org/listed")
    reply = await client.send(call(b"", "/models", method="GET"))
    listing = json.loads(reply.body)
    assert listing["object"] == "list"
    entries = [each for each in listing["data"] if each["id"] == "org/listed"]
    assert entries == [{"id": "org/listed", "object": "model", "created": 0, "owned_by": "main"}]
    one = await client.send(call(b"", "/models/org%2Flisted", method="GET"))
    assert json.loads(one.body) == entries[0]
    assert (await client.send(call(b"", "/models/nope", method="GET"))).status == 404


async def test_a_model_of_another_dialect_is_not_served(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    from spec.route import ModelFormat, ModelRoute

    name = await proxy.publish((await upstream()).address, model="tgi")
    table = proxy.routes[name]
    model = ModelRoute(name="tgi", format=ModelFormat.TGI)
    proxy.routes[name] = table.model_copy(update={"model": model, "version": table.version + 1})
    await proxy.publish(run="marker")
    assert (await client.send(call(b'{"model": "tgi"}'))).status == 404


async def test_an_unknown_model_is_refused_in_openais_words(client: Client) -> None:
    reply = await client.send(call(b'{"model": "nope"}'))
    assert reply.status == 404
    answer = json.loads(reply.body)
    assert answer["error"]["code"] == answer["code"] == "model_not_found"
    assert answer["error"]["type"] == "invalid_request_error"
    assert "`nope`" in answer["detail"]


async def test_a_known_model_is_unavailable_when_no_replica_is_coming(
    proxy: RunningProxy, client: Client
) -> None:
    await proxy.publish(model="cold")
    reply = await client.send(call(b'{"model": "cold"}'))
    assert (reply.status, json.loads(reply.body)["code"]) == (503, "no_replica")
    assert reply.get("retry-after")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"model"', b"{}", b'{"model": 1}', b"\xff"])
async def test_a_body_that_names_no_model_is_refused(client: Client, body: bytes) -> None:
    reply = await client.send(call(body))
    assert reply.status == 400
    assert json.loads(reply.body)["error"]["message"]


async def test_a_token_is_always_needed(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    await proxy.publish((await upstream()).address, model="open", auth=False)
    body = b'{"model": "open"}'
    assert (await client.send(call(body, auth=""))).status == 401
    foreign = await client.send(call(body, auth="Authorization: Bearer other\r\n"))
    assert foreign.status == 403
    assert (await client.send(call(b"", "/models", method="GET", auth=""))).status == 401


async def test_browsers_of_any_site_may_call(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    answer = answering(
        "Access-Control-Allow-Origin: https://one.test",
        "Access-Control-Allow-Credentials: true",
    )
    await proxy.publish((await upstream(answer)).address, model="cors")
    asked = ("Origin: https://page.test", "Access-Control-Request-Headers: authorization, x-a")
    preflight = await client.send(call(b"", "/chat/completions", *asked, method="OPTIONS", auth=""))
    assert preflight.status == 204
    assert preflight.get("access-control-allow-origin") == "*"
    assert preflight.get("access-control-allow-headers") == "authorization, x-a"
    reply = await client.send(call(b'{"model": "cors"}'))
    assert reply.all("access-control-allow-origin") == ["*"]
    assert reply.get("access-control-allow-credentials") is None
    refused = await client.send(call(b'{"model": "nope"}'))
    assert refused.get("access-control-allow-origin") == "*"
