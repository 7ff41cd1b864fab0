import base64
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.api.common.v1 import Payload

from api.rate_limit import RateLimit
from api.services import Services
from api.ui.origin import ui_app
from api.ui.session import Sessions
from api.ui.upstream import Upstream
from engine.client import codec
from perdure.session_cookie import SESSION_COOKIE
from spec.audit import Action, Outcome
from spec.people import GlobalRole
from store.store import Store
from tests.engine.fixed_keys import fixed
from tests.store.conftest import TOKEN, Clock

HOST = "localhost:8233"
OWN = {"Origin": f"http://{HOST}"}
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def asked() -> list[httpx.Request]:
    """What reached Temporal's own UI."""
    return []


@pytest.fixture
async def browser(
    services: Services, asked: list[httpx.Request]
) -> AsyncIterator[httpx.AsyncClient]:
    async def page() -> AsyncIterator[bytes]:
        yield b"the "
        yield b"UI"

    async def temporal(request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked.append(request)
        return httpx.Response(200, content=page(), headers={"Set-Cookie": "_csrf=1"})

    upstream = Upstream("http://temporal", httpx.MockTransport(temporal))
    app = ui_app(services, codec(services.settings), upstream)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://{HOST}"
    ) as client:
        yield client
    await upstream.aclose()


async def sign_in(browser: httpx.AsyncClient, token: str = TOKEN) -> httpx.Response:
    return await browser.post("/sign-in", data={"token": token}, headers=OWN)


class TestSignIn:
    async def test_is_where_people_are_led(self, browser: httpx.AsyncClient) -> None:
        led = await browser.get("/namespaces/default", headers=PAGE)
        assert (led.status_code, led.headers["location"]) == (303, "/sign-in")
        form = await browser.get("/sign-in")
        assert '<label for="token">' in form.text
        assert "frame-ancestors 'none'" in form.headers["Content-Security-Policy"]

    async def test_begins_a_session_that_scripts_and_other_sites_do_not_get(
        self, browser: httpx.AsyncClient, asked: list[httpx.Request], store: Store
    ) -> None:
        answer = await sign_in(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert TOKEN not in cookie
        assert (await browser.get("/", headers=PAGE)).text == "the UI"
        assert (await browser.get("/sign-in")).headers["location"] == "/"
        assert (await store.audit.read(1))[0].action is Action.UI_SIGN_IN

    async def test_wants_an_admins_token(self, browser: httpx.AsyncClient, store: Store) -> None:
        await store.users.create("alice", GlobalRole.USER)
        alice, _ = await store.tokens.create("alice", "t")
        assert (await sign_in(browser, "wrong")).status_code == 401
        assert (await sign_in(browser, "")).status_code == 401
        refused = await sign_in(browser, alice.value)
        assert refused.status_code == 403
        assert 'role="alert"' in refused.text
        assert not browser.cookies

    async def test_wants_one_that_is_for_more_than_services(
        self, browser: httpx.AsyncClient, store: Store
    ) -> None:
        narrow, _ = await store.tokens.create("admin", "t", scopes=["services:main"])
        refused = await sign_in(browser, narrow.value)
        assert refused.status_code == 403
        assert "only call services" in refused.text

    async def test_is_audited_whether_it_succeeds_or_not(
        self, browser: httpx.AsyncClient, store: Store
    ) -> None:
        await store.users.create("alice", GlobalRole.USER)
        alice, _ = await store.tokens.create("alice", "t")
        for value in ("wrong", alice.value, TOKEN):
            await sign_in(browser, value)
        told = await store.audit.read(10)
        assert {event.action for event in told} == {Action.UI_SIGN_IN}
        assert [(event.user, event.outcome) for event in told] == [
            ("admin", Outcome.DONE),
            ("alice", Outcome.REFUSED),
            ("", Outcome.REFUSED),
        ]
        assert alice.value not in str(told)
        assert (told[1].token, told[2].token) == (alice.id, "")

    async def test_cannot_be_tried_for_ever(self, browser: httpx.AsyncClient, store: Store) -> None:
        tries = [(await sign_in(browser, "wrong")).status_code for _ in range(25)]
        assert tries[0] == 401
        assert tries[-1] == 429
        assert len(await store.audit.read(100)) < 25
        assert (await sign_in(browser)).status_code == 303

    async def test_ends_by_signing_out(self, browser: httpx.AsyncClient) -> None:
        await sign_in(browser)
        await browser.post("/sign-out", headers=OWN)
        assert (await browser.get("/")).status_code == 401

    async def test_ends_with_its_token(self, browser: httpx.AsyncClient, store: Store) -> None:
        await sign_in(browser)
        (token,) = await store.tokens.of("admin")
        await store.tokens.revoke("admin", token.id)
        assert (await browser.get("/")).status_code == 401

    async def test_ends_after_a_working_day(self, browser: httpx.AsyncClient, clock: Clock) -> None:
        await sign_in(browser)
        clock.move(hours=12)
        assert (await browser.get("/")).status_code == 401

    @pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "é", "token.9999999999."])
    async def test_is_not_passed_by_a_made_up_cookie(self, cookie: str, clock: Clock) -> None:
        assert Sessions(fixed(b"key")).token_of(cookie, clock.now) is None

    async def test_of_another_server_is_not_ours(self, clock: Clock) -> None:
        cookie = Sessions(fixed(b"other")).begin("token", clock.now)
        assert Sessions(fixed(b"key")).token_of(cookie, clock.now) is None
        assert Sessions(fixed(b"other")).token_of(cookie, clock.now) == "token"


class TestGuard:
    @pytest.mark.parametrize(
        ("method", "headers"),
        [
            ("GET", {"Host": "evil.example"}),
            ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}),
            ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
            ("POST", {}),
            ("POST", {"Origin": "http://localhost:3000"}),
            ("POST", {"Origin": "null"}),
            ("DELETE", {"Origin": "https://localhost:8233"}),
            ("POST", {**OWN, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}),
        ],
    )
    async def test_keeps_other_sites_and_ports_out(
        self,
        browser: httpx.AsyncClient,
        asked: list[httpx.Request],
        method: str,
        headers: dict[str, str],
    ) -> None:
        await sign_in(browser)
        answer = await browser.request(method, "/api/v1/namespaces", headers=headers)
        assert answer.status_code == 403
        assert asked == []

    async def test_lets_links_lead_here(self, browser: httpx.AsyncClient) -> None:
        await sign_in(browser)
        link = {**PAGE, "Sec-Fetch-Site": "cross-site"}
        assert (await browser.get("/namespaces", headers=link)).status_code == 200

    async def test_puts_its_headers_on_every_answer(self, browser: httpx.AsyncClient) -> None:
        for answer in (await browser.get("/"), await browser.get("/sign-in")):
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


class TestUpstream:
    async def test_gets_path_query_and_body_as_they_came_but_not_our_session(
        self, browser: httpx.AsyncClient, asked: list[httpx.Request]
    ) -> None:
        await sign_in(browser)
        browser.cookies.set("_csrf", "1")
        path = "/api/v1/workflows/run%2Fmain%2Fapp?q=a%20b"
        answer = await browser.post(path, content=b"body", headers=OWN)
        assert answer.headers["set-cookie"] == "_csrf=1"
        (request,) = asked
        assert request.url.raw_path == path.encode()
        assert request.content == b"body"
        assert SESSION_COOKIE not in request.headers["cookie"]
        assert "_csrf=1" in request.headers["cookie"]
        assert request.headers["host"] == "temporal"

    async def test_gets_a_path_that_looks_like_another_host_as_a_path(
        self, browser: httpx.AsyncClient, asked: list[httpx.Request]
    ) -> None:
        await sign_in(browser)
        url = httpx.URL(f"http://{HOST}").copy_with(raw_path=b"//evil.example/")
        await browser.send(browser.build_request("GET", url))
        (request,) = asked
        assert (request.url.host, request.url.raw_path) == ("temporal", b"//evil.example/")

    async def test_that_is_away_is_told_so(self, services: Services) -> None:
        def away(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        upstream = Upstream("http://temporal", httpx.MockTransport(away))
        app = ui_app(services, codec(services.settings), upstream)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=f"http://{HOST}"
        ) as browser:
            await sign_in(browser)
            assert (await browser.get("/")).status_code == 503
        await upstream.aclose()


class TestCodec:
    async def payloads(self, services: Services, text: str) -> dict[str, object]:
        plain = Payload(metadata={"encoding": b"json/plain"}, data=text.encode())
        (sealed,) = await codec(services.settings).encode([plain])
        metadata = {k: base64.b64encode(v).decode() for k, v in sealed.metadata.items()}
        data = base64.b64encode(sealed.data).decode()
        return {"payloads": [{"metadata": metadata, "data": data}]}

    async def test_opens_what_is_sealed_for_who_is_signed_in(
        self, browser: httpx.AsyncClient, services: Services, store: Store
    ) -> None:
        body = await self.payloads(services, '"sealed"')
        await sign_in(browser)
        answer = await browser.post("/codec/decode", json=body, headers=OWN)
        (payload,) = answer.json()["payloads"]
        assert json.loads(base64.b64decode(payload["data"])) == "sealed"
        event = (await store.audit.read(1))[0]
        assert (event.user, event.action) == ("admin", "payload.decode")

    async def test_is_closed_to_all_others(
        self, browser: httpx.AsyncClient, services: Services
    ) -> None:
        body = await self.payloads(services, '"sealed"')
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
            answer = await browser.post("/codec/decode", json=body, headers=OWN | headers)
            assert answer.status_code == 401

    async def test_is_closed_to_a_session_whose_token_is_for_services_only(
        self, browser: httpx.AsyncClient, services: Services, store: Store
    ) -> None:
        narrow, _ = await store.tokens.create("admin", "t", scopes=["services:main"])
        session = Sessions(services.session_keys).begin(narrow.id, store.now())
        browser.cookies.set(SESSION_COOKIE, session)
        body = await self.payloads(services, '"sealed"')
        answer = await browser.post("/codec/decode", json=body, headers=OWN)
        assert answer.status_code == 401
        assert (await browser.get("/")).status_code == 401

    @pytest.mark.parametrize("path", ["/codec/encode", "/codec/", "/codec/decode/x"])
    async def test_seals_nothing(
        self, browser: httpx.AsyncClient, asked: list[httpx.Request], path: str
    ) -> None:
        await sign_in(browser)
        answer = await browser.post(path, json={"payloads": []}, headers=OWN)
        assert answer.status_code == 403
        assert asked == []

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b'{"payloads": 1}',
            json.dumps(
                {
                    "payloads": [
                        {
                            "metadata": {
                                "encoding": base64.b64encode(b"binary/encrypted").decode(),
                                "encryption-key-id": base64.b64encode(b"another").decode(),
                            },
                            "data": "AAAA",
                        }
                    ]
                }
            ).encode(),
            json.dumps({"payloads": [{}] * 1001}).encode(),
        ],
    )
    async def test_refuses_what_it_cannot_read(
        self, browser: httpx.AsyncClient, body: bytes
    ) -> None:
        await sign_in(browser)
        answer = await browser.post("/codec/decode", content=body, headers=OWN)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")


def test_rate_limit_allows_a_burst_and_then_its_rate() -> None:
    now = 0.0
    limit = RateLimit(rate=2, burst=3, clock=lambda: now)
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limit.allows("b")
    now = 0.5
    assert [limit.allows("a") for _ in range(2)] == [True, False]
