"""What several processes do at the same time, each with its own connections."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterable
from ipaddress import IPv4Address
from typing import TypeVar

import pytest
from sqlalchemy import func, select, update

from perdure.errors import Conflict, NoCapacity, NotFound
from spec.addresses import AddressPool
from spec.feed import ProxyLease
from spec.people import GlobalRole, ProjectRole
from spec.sealed import SealedValues
from store.locks import Lock
from store.projects import INSIDE
from store.store import Store
from store.tables import projects
from store.tokens import digest
from tests.store.conftest import PROCESSES, ROUNDS, RUN, Clock

T = TypeVar("T")


async def at_once(calls: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    """Their results and errors."""
    return list(await asyncio.gather(*calls, return_exceptions=True))


def failed(results: Iterable[object], kind: type[BaseException]) -> int:
    """How many failed, and all in this way."""
    errors = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, kind) for error in errors), errors
    return len(errors)


class TestClaims:
    async def test_no_address_is_given_twice(self, stores: tuple[Store, ...]) -> None:
        pool = AddressPool(first=IPv4Address("10.0.0.2"), last=IPv4Address("10.0.0.200"))
        given = await asyncio.gather(
            *(
                store.addresses.claim("n", f"{number}-{n}", pool)
                for number, store in enumerate(stores)
                for n in range(ROUNDS)
            )
        )
        assert sorted(given) == [IPv4Address("10.0.0.2") + n for n in range(PROCESSES * ROUNDS)]

    async def test_one_token_gets_one_address(self, stores: tuple[Store, ...]) -> None:
        pool = AddressPool(first=IPv4Address("10.0.0.2"), last=IPv4Address("10.0.0.200"))
        given = await asyncio.gather(
            *(store.addresses.claim("n", "same", pool) for store in stores for _ in range(ROUNDS))
        )
        assert set(given) == {IPv4Address("10.0.0.2")}

    async def test_no_gpu_is_given_twice_and_each_claim_is_whole(
        self, stores: tuple[Store, ...]
    ) -> None:
        gpus = ("g0", "g1", "g2")
        for n in range(ROUNDS):
            tokens = [f"{n}-{number}" for number in range(PROCESSES)]
            orders = (gpus, gpus[::-1], gpus[1:], gpus[:2])
            results = await at_once(
                store.gpus.claim("local", token, order)
                for store, token, order in zip(stores, tokens, orders, strict=True)
            )
            assert failed(results, NoCapacity) == PROCESSES - 1
            claimed = await stores[0].gpus.claimed("local")
            (winner,) = set(claimed.values())
            assert set(claimed) == set(orders[tokens.index(winner)])
            await asyncio.gather(*(store.gpus.release(winner) for store in stores))
        assert await stores[0].gpus.claimed("local") == {}


class TestPeople:
    async def test_of_all_admins_one_stays(self, stores: tuple[Store, ...]) -> None:
        first = stores[0].users
        for n in range(ROUNDS):
            names = [f"admin-{n}-{number}" for number in range(PROCESSES)]
            for name in names:
                await first.create(name, GlobalRole.ADMIN)
            (before,) = {u.name for u in await first.all() if u.role == GlobalRole.ADMIN} - {*names}
            await first.delete(before)
            results = await at_once(
                store.users.delete(name)
                if number % 2
                else store.users.set_role(name, GlobalRole.USER)
                for number, (store, name) in enumerate(zip(stores, names, strict=True))
            )
            assert failed(results, Conflict) == 1
            assert sum(user.role == GlobalRole.ADMIN for user in await first.all()) == 1

    async def test_a_token_is_made_before_its_user_goes_or_not_at_all(
        self, stores: tuple[Store, ...]
    ) -> None:
        first, second, *_ = stores
        for n in range(ROUNDS):
            await first.users.create(f"u{n}", GlobalRole.USER)
            before = await first.changes.latest()
            made, gone = await at_once(
                (second.tokens.create(f"u{n}", "t"), first.users.delete(f"u{n}"))
            )
            assert gone is None
            feed = await first.changes.feed(before)
            assert feed.tokens == ()
            if isinstance(made, BaseException):
                assert isinstance(made, NotFound)
            else:
                assert isinstance(made, tuple)
                assert digest(made[0].value) in feed.revoked

    async def test_the_last_word_on_a_member_or_a_secret_counts(
        self, stores: tuple[Store, ...]
    ) -> None:
        await stores[0].users.create("alice", GlobalRole.USER)
        for _ in range(ROUNDS):
            await asyncio.gather(
                *(store.projects.set_member("main", "alice", ProjectRole.USER) for store in stores),
                *(store.secrets.set("main", "KEY", str(n)) for n, store in enumerate(stores)),
                *(store.envelopes.put("e", *RUN, SealedValues()) for store in stores),
            )
            await stores[0].projects.remove_member("main", "alice")
            values = await stores[1].secrets.values("main", ["KEY"])
            assert values["KEY"] in map(str, range(PROCESSES))
            await stores[2].secrets.delete("main", "KEY")
            gone = await asyncio.gather(*(store.envelopes.forget(["e"]) for store in stores))
            assert sum(gone) == 1


class TestDeletion:
    @pytest.mark.parametrize("kind", ["claim", "envelope", "secret", "member", "code"])
    async def test_what_is_written_comes_before_and_goes_along_or_is_refused(
        self, stores: tuple[Store, ...], kind: str
    ) -> None:
        first, second, *_ = stores
        await first.users.create("alice", GlobalRole.USER)

        async def content() -> AsyncIterator[bytes]:
            yield b"code"

        def write(project: str) -> Awaitable[object]:
            code = hashlib.sha256(b"code").hexdigest()
            match kind:
                case "claim":
                    at = (project, "admin", "k")
                    return second.idempotency.claim(*at, fingerprint="f", run="r")
                case "envelope":
                    return second.envelopes.put(project, project, "r", SealedValues())
                case "secret":
                    return second.secrets.set(project, "KEY", "value")
                case "member":
                    return second.projects.set_member(project, "alice", ProjectRole.USER)
                case _:
                    return second.code.put(project, code, content())

        for n in range(ROUNDS):
            project = f"p{n}"
            await first.projects.create(project, "admin")
            seen = await first.projects.applies(project)
            written, gone = await at_once((write(project), first.projects.delete(project, seen)))
            if isinstance(gone, Conflict):
                assert kind == "claim"
                assert not isinstance(written, BaseException)
            else:
                assert gone is None
                assert not isinstance(written, BaseException) or isinstance(written, NotFound)
                assert await self.left(first, project) == 0

    async def left(self, store: Store, project: str) -> int:
        async with store.projects._database.read() as connection:
            counts = [
                await connection.scalar(
                    select(func.count()).select_from(table).where(table.c.project == project)
                )
                for table in INSIDE
            ]
        return sum(count or 0 for count in counts)

    async def test_who_writes_waits_for_a_deletion_that_has_not_committed(
        self, stores: tuple[Store, ...]
    ) -> None:
        slow, writer, *_ = stores
        await slow.projects.create("team", "admin")
        deleted = update(projects).where(projects.c.name == "team")
        async with slow.projects._database.write(Lock.PROJECT.of("team")) as connection:
            await connection.execute(deleted.values(deleted_at=slow.now()))
            writing = [
                asyncio.ensure_future(call)
                for call in (
                    writer.idempotency.claim("team", "admin", "k", fingerprint="f", run="r"),
                    writer.idempotency.answer("team", "id", "{}"),
                    writer.envelopes.put("e", "team", "r", SealedValues()),
                    writer.secrets.set("team", "KEY", "value"),
                    writer.projects.set_member("team", "admin", ProjectRole.USER),
                )
            ]
            done, _ = await asyncio.wait(writing, timeout=0.3)
            assert not done
        assert failed(await at_once(writing), NotFound) == len(writing)


class TestFeed:
    async def test_a_reader_misses_no_change(self, stores: tuple[Store, ...]) -> None:
        *writers, reader = stores
        names = {f"run-{number}-{n}" for number in range(len(writers)) for n in range(ROUNDS * 4)}
        seen: list[str] = []
        start = await reader.changes.run_started("main", "begin")

        async def write(number: int, store: Store) -> None:
            for n in range(ROUNDS * 4):
                await store.changes.run_started("main", f"run-{number}-{n}")

        async def read() -> None:
            at = start
            while len(seen) < len(names):
                feed = await reader.changes.feed(at)
                assert not feed.full
                assert feed.seq >= at
                at = feed.seq
                seen.extend(run.run for run in feed.started)

        async with asyncio.timeout(60):
            await asyncio.gather(read(), *(write(n, store) for n, store in enumerate(writers)))
        assert sorted(seen) == sorted(names)

    async def test_a_number_is_seen_only_when_all_before_it_are(
        self, stores: tuple[Store, ...]
    ) -> None:
        """A writer that is slow to commit is waited for by those that come after it."""
        from store.changes import ChangeKind, record

        slow, quick, reader, _ = stores
        start = await reader.changes.run_started("main", "begin")
        async with slow.changes._database.write(Lock.FEED) as connection:
            await record(connection, ChangeKind.RUN, ["main/slow"])
            writing = asyncio.create_task(quick.changes.run_started("main", "quick"))
            done, _ = await asyncio.wait({writing}, timeout=0.3)
            assert not done
            assert (await reader.changes.feed(start)).seq == start
        await writing
        started = (await reader.changes.feed(start)).started
        assert [run.run for run in started] == ["slow", "quick"]


class TestKeys:
    async def test_one_of_many_uses_a_key_first(self, stores: tuple[Store, ...]) -> None:
        for n in range(ROUNDS):
            claims = await asyncio.gather(
                *(
                    store.idempotency.claim(*("main", "admin", f"k{n}"), fingerprint="f", run="r")
                    for store in stores
                )
            )
            assert sum(claim.is_new for claim in claims) == 1
            assert len({claim.request for claim in claims}) == 1

    async def test_a_key_that_is_given_back_is_found_free_or_used(
        self, stores: tuple[Store, ...]
    ) -> None:
        async def use(store: Store) -> None:
            for _ in range(ROUNDS * 2):
                claim = await store.idempotency.claim("main", "a", "k", fingerprint="f", run="r")
                if claim.is_new:
                    await store.idempotency.release(claim.request)

        await asyncio.gather(*map(use, stores))
        claim = await stores[0].idempotency.claim("main", "a", "k", fingerprint="f", run="r")
        assert claim.is_new


class TestLeases:
    async def test_renewals_at_any_api_keep_every_proxy(self, stores: tuple[Store, ...]) -> None:
        async def renew(store: Store, boot: str) -> None:
            for feed in range(ROUNDS):
                await store.leases.renew(boot, ProxyLease(stats="unix:///s", feed=feed))

        await asyncio.gather(*(renew(store, f"boot{n}") for store in stores for n in range(3)))
        live = await stores[0].leases.known()
        assert [proxy.boot for proxy in live] == ["boot0", "boot1", "boot2"]
        assert await stores[1].leases.wait_for(ROUNDS - 1, seconds=0)

    async def test_what_ran_out_long_ago_is_dropped_by_whoever_comes_first(
        self, stores: tuple[Store, ...], clock: Clock
    ) -> None:
        for n in range(10):
            await stores[0].leases.renew(f"old{n}", ProxyLease(stats="s", feed=1))
        clock.move(hours=2)
        for _ in range(2):  # the first to come after an outage forget nobody
            await asyncio.gather(
                *(
                    store.leases.renew(f"new{n}", ProxyLease(stats="s", feed=2))
                    for n, store in enumerate(stores)
                )
            )
        assert len(await stores[0].leases.known()) == PROCESSES
        clock.move(hours=-2)
        assert len(await stores[0].leases.known()) == PROCESSES
