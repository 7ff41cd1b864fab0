"""What the audit log tells, and to whom."""

from typing import Any

import httpx
import pytest

from api.services import Services, make_services
from perdure.settings import Settings
from store.store import Store
from tests.api.fake_runs import FakeRuns
from tests.store.conftest import Clock

AUDIT = "/audit"


@pytest.fixture
async def services(
    settings: Settings, store: Store, runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> Services:
    """Whose brake on guesses is not let go while a test goes on."""
    monkeypatch.setattr("api.guesses.MISSES_PER_SECOND", 0)
    return await make_services(settings, store, runs)


async def act(admin: httpx.AsyncClient, count: int) -> None:
    for number in range(count):
        path = f"/projects/main/secrets/KEY{number}"
        assert (await admin.put(path, json={"value": "v"})).status_code == 200


async def events(client: httpx.AsyncClient, path: str = AUDIT, **asked: Any) -> list[str]:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return [event["subject"] for event in answer.json()]


async def test_the_newest_come_first_and_in_pages(admin: httpx.AsyncClient) -> None:
    await act(admin, 5)
    first = (await admin.get(AUDIT, params={"limit": 2})).json()
    assert [event["subject"] for event in first] == ["main/KEY4", "main/KEY3"]
    second = await events(admin, limit=2, before=first[-1]["id"])
    assert second == ["main/KEY2", "main/KEY1"]


async def test_they_are_asked_for_from_a_time_on(admin: httpx.AsyncClient, clock: Clock) -> None:
    await act(admin, 1)
    clock.move(hours=2)
    await act(admin, 2)
    assert await events(admin, since="1h") == ["main/KEY1", "main/KEY0"]
    assert len(await events(admin, since="3h")) == 3
    assert len(await events(admin, since=clock.now.isoformat())) == 2


@pytest.mark.parametrize("asked", [{"since": "soon"}, {"limit": 0}, {"limit": 1001}, {"before": 0}])
async def test_what_cannot_be_asked_is_refused(
    admin: httpx.AsyncClient, asked: dict[str, Any]
) -> None:
    assert (await admin.get(AUDIT, params=asked)).status_code == 422


async def test_a_projects_admin_sees_that_project_only(
    admin: httpx.AsyncClient, stranger: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    await act(admin, 1)
    assert (await stranger.post("/projects", json={"name": "team"})).status_code == 201
    assert (await alice.put("/projects/team/secrets/A", json={"value": "v"})).status_code == 403
    assert await events(stranger, "/projects/team/audit") == [
        "PUT /api/v1/projects/team/secrets/A",
        "team",
    ]
    assert (await stranger.get("/projects/main/audit")).status_code == 403
    assert (await stranger.get(AUDIT)).status_code == 403
    assert len(await events(admin)) == 3


async def test_refused_attempts_do_not_fill_it(
    alice: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.refusals.NOTED_PER_SECOND", 0)
    monkeypatch.setattr("api.refusals.NOTED_AT_ONCE", 5)
    for _ in range(8):
        assert (await alice.delete("/users/admin")).status_code == 403
    assert len(await store.audit.read(100)) == 5


async def test_who_tries_names_is_noted_and_slowed_down(
    stranger: httpx.AsyncClient, admin: httpx.AsyncClient, store: Store
) -> None:
    assert (await stranger.post("/projects", json={"name": "mine"})).status_code == 201

    async def guess(name: str, client: httpx.AsyncClient = stranger) -> int:
        answer = await client.put(f"/projects/mine/members/{name}", json={"role": "user"})
        return answer.status_code

    assert await guess("admin") == 200
    assert [await guess(f"guess{number}") for number in range(20)] == [404] * 20
    assert (await store.audit.read(1))[0].subject == "mine/guess19 user"
    # A right guess is refused like a wrong one: its success would be the answer.
    assert [await guess(name) for name in ("guess", "admin")] == [429, 429]
    assert (await stranger.post("/projects", json={"name": "main"})).status_code == 429
    assert [await guess(f"guess{number}", admin) for number in range(25)] == [404] * 25
