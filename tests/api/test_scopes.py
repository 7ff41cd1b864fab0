"""Tokens that may only call services are told so, and learn nothing else."""

from collections.abc import Callable

import httpx
import pytest

from perdure.settings import Settings
from spec.people import GlobalRole
from store.store import Store
from tests.api.conftest import client_of

TOKENS = "/users/alice/tokens"


async def made(client: httpx.AsyncClient, *scopes: str) -> httpx.Response:
    return await client.post(TOKENS, json={"name": "t", "scopes": list(scopes)})


@pytest.fixture
async def narrow(alice: httpx.AsyncClient, settings: Settings) -> Callable[[], httpx.AsyncClient]:
    value = (await made(alice, "services:main")).json()["value"]
    return lambda: client_of(settings, value)


@pytest.mark.parametrize("path", ["/me", "/projects/main", "/projects/no", "/no/such/path"])
async def test_every_path_answers_them_the_same(
    narrow: Callable[[], httpx.AsyncClient], path: str
) -> None:
    async with narrow() as client:
        me, other = await client.get("/me"), await client.get(path)
        assert (other.status_code, other.content) == (403, me.content)
    error = me.json()["error"]
    assert error["message"] == "This token may only call services."
    assert "`api`" in error["hint"]


async def test_their_bodies_are_not_read(narrow: Callable[[], httpx.AsyncClient]) -> None:
    async with narrow() as client:
        answer = await client.post("/projects/main/runs", content=b"{not json")
    assert answer.status_code == 403


async def test_health_is_open_to_them(narrow: Callable[[], httpx.AsyncClient]) -> None:
    async with narrow() as client:
        assert (await client.get("http://api/healthz")).status_code == 200


async def test_they_are_listed_with_their_scopes(alice: httpx.AsyncClient) -> None:
    answer = await made(alice, "services:main/llm", "services:main", "services:main")
    assert answer.json()["scopes"] == ["services:main", "services:main/llm"]
    (listed,) = (each for each in (await alice.get(TOKENS)).json() if each["name"] == "t")
    assert listed["scopes"] == ["services:main", "services:main/llm"]


async def test_without_scopes_a_token_opens_everything(
    alice: httpx.AsyncClient, settings: Settings
) -> None:
    token = (await alice.post(TOKENS, json={})).json()
    assert token["scopes"] == ["api"]
    async with client_of(settings, token["value"]) as client:
        assert (await client.get("/me")).status_code == 200


@pytest.mark.parametrize("scopes", [[], ["all"], ["services:"], ["services:main/*"], "api", None])
async def test_what_is_no_scope_is_refused(alice: httpx.AsyncClient, scopes: object) -> None:
    answer = await alice.post(TOKENS, json={"scopes": scopes})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")


async def test_a_scope_for_another_project_is_refused_be_there_one_or_not(
    alice: httpx.AsyncClient, store: Store
) -> None:
    await store.projects.create("team", "admin")
    there, nowhere = await made(alice, "services:team"), await made(alice, "services:nowhere/llm")
    assert there.status_code == 403
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)
    assert [each.name for each in await store.tokens.of("alice")] == ["test"]


async def test_an_admin_of_the_server_is_told_of_a_slip(
    admin: httpx.AsyncClient, store: Store
) -> None:
    await store.users.create("alice", GlobalRole.USER)
    assert (await made(admin, "services:nowhere")).status_code == 404
    assert (await made(admin, "services:main")).status_code == 201
