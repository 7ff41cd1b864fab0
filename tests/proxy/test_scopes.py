"""Tokens that open single services: all else answers as another's project does."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256

import pytest

from proxy.auth import Opened
from spec.route import TokenGrant
from tests.proxy.holding import holds
from tests.proxy.running import TOKENS, RunningProxy
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Client, Message

Start = Callable[..., Awaitable[Upstream]]
NARROW, OTHER = "Authorization: Bearer narrow", "Authorization: Bearer other"


def request(target: str, *lines: str, method: str = "GET", body: bytes = b"") -> bytes:
    fields = "".join(f"{line}\r\n" for line in (*lines, f"Content-Length: {len(body)}"))
    return f"{method} {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode() + body


def seen(reply: Message) -> tuple[int, bytes, str]:
    fields = [each for each in reply.fields if each[0] != "x-request-id"]
    return reply.status, reply.body, str(fields)


@pytest.fixture
async def own(proxy: RunningProxy, upstream: Start) -> AsyncIterator[str]:
    """A run with the model `shared` that the token `narrow` opens, and nothing else."""
    name = "own"
    sha = sha256(b"narrow").hexdigest()
    proxy.tokens = (*TOKENS, TokenGrant(sha256=sha, services=(f"main/{name}",)))
    await proxy.publish((await upstream()).address, run=name, model="shared")
    yield name
    proxy.tokens = TOKENS
    await proxy.remove(name)


async def test_its_service_is_open(client: Client, own: str) -> None:
    assert (await client.send(request(f"/proxy/services/main/{own}/", NARROW))).status == 200
    moved = await client.send(request(f"/proxy/services/main/{own}", NARROW))
    assert moved.status == 308
    token = "X-Perdure-Token: narrow"
    assert (await client.send(request(f"/proxy/services/main/{own}/", token))).status == 200


@pytest.mark.parametrize("place", ["main/{foreign}", "main/nothing-here", "main/own2", "no/own"])
async def test_whatever_else_answers_like_a_foreign_project(
    proxy: RunningProxy, upstream: Start, client: Client, own: str, place: str
) -> None:
    foreign = await proxy.publish((await upstream()).address)
    path = f"/proxy/services/{place.format(foreign=foreign)}/"
    narrow = await client.send(request(path, NARROW))
    other = await client.send(request(path, OTHER))
    assert narrow.status == 403
    assert seen(narrow) == seen(other)


async def test_a_connection_that_was_let_in_is_asked_again_for_another_service(
    proxy: RunningProxy, upstream: Start, client: Client, own: str
) -> None:
    foreign = await proxy.publish((await upstream()).address)
    for _ in range(2):
        for name, status in ((own, 200), (foreign, 403)):
            reply = await client.send(request(f"/proxy/services/main/{name}/", NARROW))
            assert reply.status == status


async def test_only_its_models_are_listed(
    proxy: RunningProxy, upstream: Start, client: Client, own: str
) -> None:
    await proxy.publish((await upstream()).address, model="hidden")
    listed = await client.send(request("/proxy/models/main/models", NARROW))
    assert [each["id"] for each in json.loads(listed.body)["data"]] == ["shared"]
    unknown = await client.send(request("/proxy/models/main/models/nope", NARROW))
    hidden = await client.send(request("/proxy/models/main/models/hidden", NARROW))
    assert hidden.status == unknown.status == 404
    assert hidden.body == unknown.body.replace(b"nope", b"hidden")


async def test_another_services_model_is_unknown(
    proxy: RunningProxy, upstream: Start, client: Client, own: str
) -> None:
    application = await upstream()
    await proxy.publish(application.address, model="hidden")
    path = "/proxy/models/main/chat/completions"
    replies = [
        await client.send(request(path, NARROW, method="POST", body=b'{"model": "%b"}' % name))
        for name in (b"hidden", b"absent")
    ]
    assert [each.status for each in replies] == [404, 404]
    assert replies[0].body.replace(b"hidden", b"absent") == replies[1].body
    assert application.requests == []


async def test_of_services_that_share_a_model_only_its_own_is_called(
    proxy: RunningProxy, upstream: Start, client: Client, own: str
) -> None:
    application = await upstream()
    foreign = await proxy.publish(application.address, model="shared")
    before = proxy.stats().arrived[f"main/{own}"]
    for _ in range(8):
        body = b'{"model": "shared"}'
        reply = await client.send(
            request("/proxy/models/main/chat/completions", NARROW, method="POST", body=body)
        )
        assert (reply.status, reply.body) == (200, body)
    assert application.requests == []
    arrived = proxy.stats().arrived
    assert arrived[f"main/{own}"] - before == 8
    assert arrived[f"main/{foreign}"] == 0


async def test_a_shared_model_whose_own_service_has_no_replica_is_not_lent_another(
    proxy: RunningProxy, upstream: Start, client: Client, own: str
) -> None:
    await proxy.publish((await upstream()).address, model="shared")
    await proxy.publish(run=own, model="shared")
    body = b'{"model": "shared"}'
    raw = request("/proxy/models/main/chat/completions", NARROW, method="POST", body=body)
    reply = await client.send(raw)
    assert (reply.status, json.loads(reply.body)["code"]) == (503, "no_replica")


async def test_a_call_waits_for_a_service_that_its_token_opens(
    proxy: RunningProxy, upstream: Start, client: Client, own: str
) -> None:
    other, mine = await upstream(), await upstream()
    await proxy.publish(other.address, model="shared")
    await proxy.publish(run=own, model="shared", starting=True)
    body = b'{"model": "shared"}'
    client.write(request("/proxy/models/main/chat/completions", NARROW, method="POST", body=body))
    await holds(proxy, own, 1)
    await proxy.publish(mine.address, run=own, model="shared")
    assert (await client.reply()).status == 200
    assert (len(mine.requests), len(other.requests)) == (1, 0)


async def test_models_of_a_project_without_any_of_its_services_are_closed(
    client: Client, own: str
) -> None:
    there = await client.send(request("/proxy/models/elsewhere/models", NARROW))
    nowhere = await client.send(request("/proxy/models/nowhere/models", NARROW))
    assert there.status == 403
    assert seen(there) == seen(nowhere)


def test_a_whole_project_needs_no_list_of_its_services() -> None:
    opened = Opened(frozenset({b"main"}))
    assert opened.has(b"main", b"whatever comes")
