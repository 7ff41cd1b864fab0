"""What an application sees of a request, and a client of a reply."""

from collections.abc import Awaitable, Callable

import pytest

from tests.proxy.running import AUTH, RunningProxy, head
from tests.proxy.upstream import Connection, Upstream, answering
from tests.proxy.wire import Client, Message

Start = Callable[..., Awaitable[Upstream]]


async def seen(
    proxy: RunningProxy, start: Start, client: Client, *lines: str, path: str = "/"
) -> Message:
    """The request that reaches an application."""
    application = await start()
    name = await proxy.publish(application.address)
    reply = await client.send(head(name, *lines, path=path))
    assert reply.status == 200
    return application.requests[0]


@pytest.mark.parametrize(
    "path", ["/a%2Fb/%e4%20x;y?q=%2F&r=/s?t", "//double//", "/../up/%2e%2e/", "/?", "/?a=/b/c"]
)
async def test_path_and_query_arrive_as_sent(
    proxy: RunningProxy, upstream: Start, client: Client, path: str
) -> None:
    assert (await seen(proxy, upstream, client, path=path)).target == path


async def test_the_prefix_stays_without_strip_prefix(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address, strip_prefix=False)
    await client.send(head(name, path="/a"))
    request = application.requests[0]
    assert request.target == f"/proxy/services/main/{name}/a"
    assert request.get("x-forwarded-prefix") is None


async def test_hop_by_hop_fields_of_a_request_are_dropped(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    request = await seen(
        proxy,
        upstream,
        client,
        "Connection: keep-alive, X-Mine",
        "X-Mine: 1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Proxy-Authorization: Basic eA==",
        "Proxy-Connection: keep-alive",
        "X-Kept: 2",
    )
    names = {name.lower() for name, _ in request.fields}
    dropped = {"connection", "x-mine", "keep-alive", "te", "proxy-authorization"}
    assert not names & (dropped | {"proxy-connection"})
    assert request.get("x-kept") == "2"


async def test_hop_by_hop_fields_of_a_reply_are_dropped_and_both_cookies_kept(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    answer = answering(
        "Connection: X-Mine, keep-alive",
        "X-Mine: 1",
        "Keep-Alive: timeout=5",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2; Path=/",
    )
    name = await proxy.publish((await upstream(answer)).address)
    reply = await client.send(head(name))
    assert reply.all("set-cookie") == ["a=1", "b=2; Path=/"]
    assert {"x-mine", "keep-alive", "connection"}.isdisjoint(
        each.lower() for each, _ in reply.fields
    )


async def test_a_client_cannot_choose_what_is_said_of_it(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    request = await seen(
        proxy,
        upstream,
        client,
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-User: root",
        "X_Forwarded_For: 6.6.6.6",
        "Forwarded: for=6.6.6.6",
        "X-Real-IP: 6.6.6.6",
    )
    told = {
        n.lower(): v for n, v in request.fields if "forwarded" in n.lower() or "real" in n.lower()
    }
    assert told == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "front.test",
        "x-forwarded-prefix": f"/proxy/services/main/{list(proxy.routes)[-1]}",
    }
    assert request.get("host") == "front.test"


async def test_our_token_does_not_reach_the_application(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    request = await seen(proxy, upstream, client, "X-Kept: 1")
    assert request.get("authorization") is None


async def test_an_application_may_have_its_own_authorization(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    await client.send(
        f"GET /proxy/services/main/{name}/ HTTP/1.1\r\nHost: a\r\n"
        "Authorization: Basic dTpw\r\nX-Perdure-Token: good\r\n\r\n".encode()
    )
    request = application.requests[0]
    assert request.get("authorization") == "Basic dTpw"
    assert request.get("x-perdure-token") is None


async def test_our_token_in_both_places_reaches_nobody(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    request = await seen(proxy, upstream, client, "X-Perdure-Token: good")
    assert request.get("authorization") is None
    assert request.get("x-perdure-token") is None


@pytest.mark.parametrize("sent", ["Bearer its-own", "Basic Z29vZA==", None])
async def test_an_open_service_gets_a_foreign_authorization_as_sent(
    proxy: RunningProxy, upstream: Start, client: Client, sent: str | None
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address, auth=False)
    field = f"Authorization: {sent}\r\n" if sent else ""
    for _ in range(3):
        await client.send(head(name).replace(AUTH.encode(), field.encode()))
    assert [each.get("authorization") for each in application.requests] == [sent] * 3


@pytest.mark.parametrize("token", ["good", "other"])
async def test_our_token_does_not_reach_an_open_service_either(
    proxy: RunningProxy, upstream: Start, client: Client, token: str
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address, auth=False)
    raw = head(name).replace(b"Bearer good", b"bearer  %b" % token.encode())
    ours = f"X-Perdure-Token: {token}\r\n\r\n".encode()
    for request in (raw, raw, raw.removesuffix(b"\r\n") + ours, raw):
        await client.send(request)
    assert len(application.requests) == 4
    for each in application.requests:
        assert token not in str(each.fields)


async def test_a_token_that_becomes_ours_is_taken_away_from_then_on(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address, auth=False)
    raw = head(name).replace(b"good", b"brief")
    await client.send(raw)
    async with proxy.token("brief"):
        await client.send(raw)
    await client.send(raw)
    sent = [each.get("authorization") for each in application.requests]
    assert sent == ["Bearer brief", None, "Bearer brief"]


async def test_no_application_can_set_our_session(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    answer = answering(
        "Set-Cookie: perdure_session=evil; Path=/",
        "set-cookie: a=perdure_session=1",
        "SET-COOKIE:\tperdure_session = evil",
        "Set-Cookie: b=2",
    )
    name = await proxy.publish((await upstream(answer)).address)
    reply = await client.send(head(name))
    assert reply.all("set-cookie") == ["a=perdure_session=1", "b=2"]


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ("perdure_session=s", None),
        ("a=1; perdure_session=s; b=2", "a=1; b=2"),
        ("perdure_session2=x", "perdure_session2=x"),
    ],
)
async def test_our_session_cookie_does_not_reach_the_application(
    proxy: RunningProxy, upstream: Start, client: Client, sent: str, arrives: str | None
) -> None:
    assert (await seen(proxy, upstream, client, f"Cookie: {sent}")).get("cookie") == arrives


@pytest.mark.parametrize(
    ("location", "arrives"),
    [
        ("/login?next=/", "PREFIX/login?next=/"),
        ("http://front.test/login", "PREFIX/login"),
        ("http://front.test", "PREFIX/"),
        ("http://127.0.0.1:PORT/login", "PREFIX/login"),
        ("PREFIX/login", "PREFIX/login"),
        ("login", "login"),
        ("https://elsewhere.test/login", "https://elsewhere.test/login"),
        ("//elsewhere.test/login", "//elsewhere.test/login"),
    ],
)
async def test_redirects_stay_under_the_prefix(
    proxy: RunningProxy, upstream: Start, client: Client, location: str, arrives: str
) -> None:
    where: dict[str, str] = {}

    async def answer(connection: Connection) -> None:
        await connection.request()
        value = location.replace("PREFIX", where["prefix"]).replace("PORT", where["port"])
        await connection.reply(b"", f"Location: {value}", status="302 Found")

    application = await upstream(answer)
    name = await proxy.publish(application.address)
    where.update(prefix=f"/proxy/services/main/{name}", port=str(application.port))
    reply = await client.send(head(name))
    assert reply.get("location") == arrives.replace("PREFIX", where["prefix"])


async def test_an_absolute_target_is_understood(
    proxy: RunningProxy, upstream: Start, client: Client
) -> None:
    application = await upstream()
    name = await proxy.publish(application.address)
    raw = head(name, path="/a?b").replace(b"GET /", b"GET http://absolute.test/")
    assert (await client.send(raw)).status == 200
    assert application.requests[0].target == "/a?b"
    assert application.requests[0].get("host") == "absolute.test"
