"""Who gets which answer: one test for each situation."""

from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Upstream
from tests.proxy.wire import Client, Message

Start = Callable[..., Awaitable[Upstream]]


def request(target: str, *lines: str) -> bytes:
    fields = "".join(f"{line}\r\n" for line in lines)
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode()


def code(reply: Message) -> str:
    text = reply.body.decode()
    assert reply.get("content-type") == "application/json"
    return text.partition('"code": "')[2].partition('"')[0]


BAD = [
    (),
    ("Authorization: Bearer bad",),
    ("Authorization: Bearer",),
    ("Authorization: Basic Z29vZA==",),
    ("Authorization: good",),
    ("X-Perdure-Token: bad",),
    ("X-Perdure-Token: bad", "Authorization: Bearer good"),
]


def fields_but_id(answer: Message) -> list[tuple[str, str]]:
    """Its fields, less the id of the request, which is never the same."""
    return [each for each in answer.fields if each[0] != "x-request-id"]


@pytest.mark.parametrize("lines", BAD)
async def test_without_a_valid_token_all_services_look_alike(
    proxy: RunningProxy, upstream: Start, client: Client, lines: tuple[str, ...]
) -> None:
    name = await proxy.publish((await upstream()).address)
    places = (f"main/{name}/", "main/nothing-here/", "nowhere/nothing-here/")
    answers = [await client.send(request(f"/proxy/services/{place}", *lines)) for place in places]
    assert {each.status for each in answers} == {401}
    assert len({each.body for each in answers}) == 1
    assert len({str(fields_but_id(each)) for each in answers}) == 1
    assert code(answers[0]) == "unauthenticated"
    assert answers[0].get("www-authenticate") == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case(
    proxy: RunningProxy, upstream: Start, client: Client, scheme: str
) -> None:
    name = await proxy.publish((await upstream()).address)
    raw = request(f"/proxy/services/main/{name}/", f"Authorization: {scheme} good")
    assert (await client.send(raw)).status == 200


async def test_a_stranger_to_the_project_does_not_learn_whether_it_exists(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    token = "Authorization: Bearer other"
    answers = [
        await client.send(request(f"/proxy/services/{place}/", token))
        for place in (f"main/{name}", "main/nothing-here", "nowhere/nothing-here")
    ]
    assert {each.status for each in answers} == {403}
    assert len({each.body for each in answers}) == 1
    assert code(answers[0]) == "forbidden"


async def test_a_member_is_told_of_an_unknown_run(client: Client) -> None:
    reply = await client.send(head("nothing-here"))
    assert (reply.status, code(reply)) == (404, "not_found")


async def test_a_finished_run_is_unknown(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    assert (await client.send(head(name))).status == 200
    await proxy.remove(name)
    assert (await client.send(head(name))).status == 404


async def test_an_open_service_asks_for_no_token(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address, auth=False)
    assert (await client.send(request(f"/proxy/services/main/{name}/"))).status == 200


async def test_without_a_slash_after_the_name_the_client_is_sent_there(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    raw = request(f"/proxy/services/main/{name}?a=/b", "Authorization: Bearer good")
    reply = await client.send(raw)
    assert reply.status == 308
    assert reply.get("location") == f"/proxy/services/main/{name}/?a=/b"


async def test_a_service_without_replicas_is_unavailable_when_none_is_coming(
    proxy: RunningProxy, client: Client
) -> None:
    name = await proxy.publish()
    reply = await client.send(head(name))
    assert (reply.status, code(reply)) == (503, "no_replica")
    assert int(reply.get("retry-after") or 0) > 0


async def test_a_service_whose_replicas_all_drain_is_unavailable(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    await proxy.drain(name)
    assert (await client.send(head(name))).status == 503


@pytest.mark.parametrize(
    "target", ["/proxy/", "/proxy/x", "/proxy/services/", "/proxy/services/main", "/proxy/models/"]
)
async def test_other_places_below_proxy_are_nothing(client: Client, target: str) -> None:
    reply = await client.send(request(target, "Authorization: Bearer good"))
    assert reply.status in (403, 404)


async def test_a_revoked_token_opens_nothing(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    name = await proxy.publish((await upstream()).address)
    raw = request(f"/proxy/services/main/{name}/", "Authorization: Bearer brief")
    async with proxy.token("brief"):
        assert (await client.send(raw)).status == 200
    assert (await client.send(raw)).status == 401
