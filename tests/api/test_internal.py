import asyncio
from datetime import timedelta

import httpx
import pytest

from perdure.errors import Unavailable
from spec.feed import Feed
from spec.run import WakeNote
from store.store import Store
from store.tokens import digest
from tests.api.conftest import OLDER_INTERNAL_KEY
from tests.api.fake_runs import FakeRuns, run_status
from tests.api.test_errors import SERVICE
from tests.store.conftest import TOKEN, Clock

BOOT = "boot-0001"
WAKE = {"incarnation": "life1"}


async def feed(client: httpx.AsyncClient, after: int, wait: float = 15) -> Feed:
    answer = await client.get("/feed", params={"after": after, "wait": wait})
    assert answer.status_code == 200
    return Feed.model_validate_json(answer.content)


async def take_in(client: httpx.AsyncClient, seq: int) -> None:
    lease = {"stats": "unix:///stats", "feed": seq}
    assert (await client.put(f"/proxies/{BOOT}", json=lease)).json() == {"seconds": 15.0}


@pytest.mark.parametrize(
    "key", ["", "Bearer wrong", f"Bearer {OLDER_INTERNAL_KEY}", f"Bearer {TOKEN}"]
)
async def test_only_our_own_processes_are_answered(internal: httpx.AsyncClient, key: str) -> None:
    for answer in (
        await internal.get("/feed", headers={"Authorization": key}),
        await internal.put(f"/proxies/{BOOT}", json={}, headers={"Authorization": key}),
        await internal.post("/runs/main/app/wake", json=WAKE, headers={"Authorization": key}),
    ):
        assert answer.status_code == 401


async def test_front_door_does_not_lead_here(
    admin: httpx.AsyncClient, internal: httpx.AsyncClient
) -> None:
    assert (await admin.get("http://api/internal/v1/feed")).status_code == 404


async def test_numbers_that_no_database_holds_are_refused(internal: httpx.AsyncClient) -> None:
    for number in (-1, 2**63, -(2**65)):
        lease = {"stats": "unix:///stats", "feed": number}
        assert (await internal.put(f"/proxies/{BOOT}", json=lease)).status_code == 422
        assert (await internal.get("/feed", params={"after": number})).status_code == 422


async def test_feed_begins_full_and_waits_for_what_is_new(
    internal: httpx.AsyncClient, store: Store
) -> None:
    first = await feed(internal, 0)
    assert first.full
    assert [grant.projects for grant in first.tokens] == [("main",)]
    waiting = asyncio.create_task(feed(internal, first.seq))
    await store.changes.run_started("main", "app")
    second = await asyncio.wait_for(waiting, 5)
    assert (second.full, second.seq, len(second.started)) == (False, first.seq + 1, 1)


async def test_what_this_process_changes_is_told_without_another_look(
    internal: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.internal.POLL_SECONDS", 3600)
    first = await feed(internal, 0)
    latest, looked = store.changes.latest, asyncio.Event()

    async def look() -> int:
        seq = await latest()
        looked.set()
        return seq

    monkeypatch.setattr(store.changes, "latest", look)
    waiting = asyncio.create_task(feed(internal, first.seq))
    await looked.wait()
    await store.changes.run_started("main", "app")
    assert (await asyncio.wait_for(waiting, 5)).seq == first.seq + 1


async def test_feed_without_news_answers_when_the_time_is_over(
    internal: httpx.AsyncClient,
) -> None:
    first = await feed(internal, 0)
    assert await feed(internal, first.seq, wait=0.2) == Feed(seq=first.seq)


async def test_feed_of_another_database_is_full_at_once(internal: httpx.AsyncClient) -> None:
    assert (await feed(internal, 10_000)).full


async def test_new_token_is_answered_when_the_live_proxies_have_it(
    admin: httpx.AsyncClient, internal: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.PROXIES_SECONDS", 30)
    known = await feed(internal, 0)
    await take_in(internal, known.seq)
    asked = asyncio.create_task(admin.post("/users/admin/tokens", json={"name": "ci"}))
    news = await feed(internal, known.seq)
    assert not asked.done()
    await take_in(internal, news.seq)
    made = (await asyncio.wait_for(asked, 5)).json()
    assert digest(made["value"]) in {grant.sha256 for grant in news.tokens}


async def test_applied_run_is_answered_when_the_live_proxies_have_it(
    alice: httpx.AsyncClient, internal: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.PROXIES_SECONDS", 30)
    known = await feed(internal, 0)
    await take_in(internal, known.seq)
    body = {"configuration": SERVICE}
    asked = asyncio.create_task(alice.post("/projects/main/runs", json=body))
    news = await feed(internal, known.seq)
    assert [run.run for run in news.started] == ["app"]
    assert not asked.done()
    await take_in(internal, news.seq)
    assert (await asyncio.wait_for(asked, 5)).json()["name"] == "app"


async def test_proxy_that_hangs_does_not_hold_up_a_new_token(
    admin: httpx.AsyncClient, internal: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.PROXIES_SECONDS", 0.1)
    await take_in(internal, 0)
    asked = admin.post("/users/admin/tokens", json={"name": "ci"})
    assert (await asyncio.wait_for(asked, 10)).status_code == 201


async def test_feed_says_when_a_token_ends_and_later_leaves_it_out(
    internal: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    soon = clock.now + timedelta(seconds=5)
    token, seq = await store.tokens.create("admin", "short", expires_at=soon)
    ends = {grant.sha256: grant.expires_at for grant in (await feed(internal, 0)).tokens}
    assert ends == {digest(token.value): soon, digest(TOKEN): None}
    clock.move(seconds=5)
    assert digest(token.value) not in {grant.sha256 for grant in (await feed(internal, 0)).tokens}
    waiting = asyncio.create_task(feed(internal, seq))
    assert await store.tokens.expire() == 1
    assert (await asyncio.wait_for(waiting, 5)).revoked == (digest(token.value),)


async def test_proxy_that_cannot_reach_temporal_wakes_a_run_here(
    internal: httpx.AsyncClient, runs: FakeRuns
) -> None:
    runs.know(run_status())
    assert (await internal.post("/runs/main/app/wake", json=WAKE)).status_code == 204
    assert runs.woken == [("main", "app", WakeNote(incarnation="life1"))]
    assert (await internal.post("/runs/main/none/wake", json=WAKE)).status_code == 404
    assert (await internal.post("/runs/main/app/wake", json={})).status_code == 422
    runs.failure = Unavailable("Temporal does not answer.")
    assert (await internal.post("/runs/main/app/wake", json=WAKE)).status_code == 503
