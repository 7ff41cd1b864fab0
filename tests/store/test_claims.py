import asyncio

import pytest

from perdure.errors import Conflict, NoCapacity
from spec.feed import ProxyLease
from store.leases import KnownProxy
from store.store import Store
from tests.store.conftest import Clock


class TestGpus:
    async def test_are_given_to_one_token_only(self, store: Store) -> None:
        await store.gpus.claim("local", "t1", ("g0", "g1"))
        await store.gpus.claim("local", "t2", ("g2",))
        assert await store.gpus.claimed("local") == {"g0": "t1", "g1": "t1", "g2": "t2"}

    async def test_are_claimed_all_or_none(self, store: Store) -> None:
        await store.gpus.claim("local", "t1", ("g1",))
        with pytest.raises(NoCapacity):
            await store.gpus.claim("local", "t2", ("g0", "g1"))
        assert await store.gpus.claimed("local") == {"g1": "t1"}

    async def test_claim_can_be_repeated(self, store: Store) -> None:
        for _ in range(2):
            await store.gpus.claim("local", "t1", ("g0", "g1"))
        assert await store.gpus.claimed("local") == {"g0": "t1", "g1": "t1"}

    async def test_come_back_when_released(self, store: Store) -> None:
        await store.gpus.claim("local", "t1", ("g0",))
        await store.gpus.release("t1")
        await store.gpus.claim("local", "t2", ("g0",))
        assert await store.gpus.claimed("local") == {"g0": "t2"}

    async def test_same_id_on_another_machine_is_another_one(self, store: Store) -> None:
        await store.gpus.claim("local", "t1", ("g0",))
        await store.gpus.claim("remote", "t2", ("g0",))
        assert await store.gpus.claimed("remote") == {"g0": "t2"}

    async def test_race_has_one_winner(self, store: Store) -> None:
        claims = (store.gpus.claim("local", f"t{n}", ("g0", f"g{n + 1}")) for n in range(5))
        results = await asyncio.gather(*claims, return_exceptions=True)
        assert sorted(isinstance(result, NoCapacity) for result in results) == [False] + [True] * 4
        assert len(await store.gpus.claimed("local")) == 2

    async def test_what_only_the_database_refuses_is_no_capacity_too(self, store: Store) -> None:
        with pytest.raises(NoCapacity):
            await store.gpus.claim("local", "t1", ("g0", "g0"))
        assert await store.gpus.claimed("local") == {}


class TestLeases:
    async def test_count_until_they_run_out(self, store: Store, clock: Clock) -> None:
        grant = await store.leases.renew("boot", ProxyLease(stats="unix:///s", feed=3))
        assert grant.seconds == 15
        known = KnownProxy(boot="boot", stats="unix:///s", feed=3, live=True)
        assert await store.leases.known() == (known,)
        clock.move(seconds=15)
        assert await store.leases.known() == (known.model_copy(update={"live": False}),)

    async def test_are_forgotten_an_hour_later_by_those_that_are_renewed(
        self, store: Store, clock: Clock
    ) -> None:
        lease = ProxyLease(stats="unix:///s", feed=3)
        for boot in ("gone", "boot"):
            await store.leases.renew(boot, lease)
        clock.move(seconds=3616)
        for known in (["boot", "gone"], ["boot"]):
            await store.leases.renew("boot", lease)
            assert [each.boot for each in await store.leases.known()] == known

    async def test_waiting_ends_when_every_live_proxy_has_the_change(self, store: Store) -> None:
        assert await store.leases.wait_for(5, seconds=0)
        await store.leases.renew("a", ProxyLease(stats="s", feed=5))
        await store.leases.renew("b", ProxyLease(stats="s", feed=4))
        assert not await store.leases.wait_for(5, seconds=0)
        waiting = asyncio.create_task(store.leases.wait_for(5, seconds=30))
        await store.leases.renew("b", ProxyLease(stats="s", feed=5))
        assert await asyncio.wait_for(waiting, timeout=5)


class TestIdempotency:
    async def test_key_is_claimed_once_and_remembers_the_answer(self, store: Store) -> None:
        keys = store.idempotency
        first = await keys.claim("main", "admin", "k", fingerprint="f", run="app")
        again = await keys.claim("main", "admin", "k", fingerprint="f", run="other")
        assert first.is_new
        assert not again.is_new
        assert (again.request, again.run, again.answer) == (first.request, "app", None)
        await keys.answer("main", first.request, "done")
        assert (await keys.claim("main", "admin", "k", fingerprint="f", run="app")).answer == "done"

    async def test_key_of_another_request_is_a_conflict(self, store: Store) -> None:
        await store.idempotency.claim("main", "admin", "k", fingerprint="f", run="app")
        with pytest.raises(Conflict):
            await store.idempotency.claim("main", "admin", "k", fingerprint="g", run="app")

    async def test_users_and_projects_do_not_share_keys(self, store: Store) -> None:
        await store.projects.create("team", "admin")
        for project, user in (("main", "a"), ("main", "b"), ("team", "a")):
            claim = await store.idempotency.claim(project, user, "k", fingerprint="f", run="r")
            assert claim.is_new

    async def test_key_of_a_refused_request_is_free_again(self, store: Store) -> None:
        claim = await store.idempotency.claim("main", "a", "k", fingerprint="f", run="r")
        await store.idempotency.release(claim.request)
        assert (await store.idempotency.claim("main", "a", "k", fingerprint="g", run="r")).is_new

    async def test_keys_are_forgotten_after_a_week_answered_or_not(
        self, store: Store, clock: Clock
    ) -> None:
        keys = store.idempotency
        old = await keys.claim("main", "a", "answered", fingerprint="f", run="r")
        await keys.answer("main", old.request, "done")
        await keys.claim("main", "a", "cut", fingerprint="f", run="r")
        clock.move(days=7)
        young = await keys.claim("main", "a", "young", fingerprint="f", run="r")
        assert await keys.expire() == 2
        assert await keys.expire() == 0
        for key in ("answered", "cut"):
            assert (await keys.claim("main", "a", key, fingerprint="g", run="r")).is_new
        again = await keys.claim("main", "a", "young", fingerprint="f", run="r")
        assert (again.request, again.is_new) == (young.request, False)
