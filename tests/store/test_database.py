"""Transactions, on both databases: what they see, and what goes wrong."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from perdure.errors import Unavailable
from perdure.settings import Settings
from store.changes import ChangeKind, record
from store.database import Database
from store.locks import Lock, require
from store.store import Store, open_store
from store.tables import projects
from tests.testbed.postgres import Postgres


async def test_a_change_is_not_recorded_without_its_lock(settings: Settings) -> None:
    database = Database(settings.store_url)
    async with database.write(Lock.ADDRESSES) as connection:
        require(connection, Lock.ADDRESSES)
        with pytest.raises(AssertionError, match="does not hold the lock `feed`"):
            await record(connection, ChangeKind.RUN, ["main/app"])
    async with database.write(Lock.FEED) as connection:
        await record(connection, ChangeKind.RUN, ["main/app"])
    await database.close()


async def test_a_reader_sees_one_state_however_often_it_looks(
    settings: Settings, store: Store
) -> None:
    database = Database(settings.store_url)
    count = text("SELECT count(*) FROM secrets")
    async with database.read() as connection:
        before = await connection.scalar(count)
        await store.secrets.set("main", "KEY", "value")
        assert await connection.scalar(count) == before == 0
    async with database.read() as connection:
        assert await connection.scalar(count) == 1
    await database.close()


async def test_two_that_hold_different_locks_in_any_order_do_not_wait_in_a_ring(
    settings: Settings,
) -> None:
    database = Database(settings.store_url)

    async def take(*locks: str) -> None:
        for _ in range(20):
            async with database.write(*locks) as connection:
                await connection.scalar(text("SELECT 1"))

    async with asyncio.timeout(30):
        await asyncio.gather(
            take(Lock.FEED, Lock.ADDRESSES, Lock.LOG.of("main", "app")),
            take(Lock.LOG.of("main", "app"), Lock.ADDRESSES, Lock.FEED),
        )
    await database.close()


class TestSqlite:
    @pytest.fixture
    def server(self) -> None:
        return None

    async def test_one_that_another_process_keeps_busy_is_unavailable(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("store.sqlite.BUSY_SECONDS", 0)
        other = sqlite3.connect(settings.data.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with open_store(settings) as store:
            with pytest.raises(Unavailable):
                await store.secrets.set("main", "KEY", "value")
            other.execute("COMMIT")
            await store.secrets.set("main", "KEY", "value")
        other.close()


@pytest.mark.long
class TestPostgres:
    @pytest.fixture
    def server(self, postgres: Postgres) -> Postgres:
        return postgres

    async def test_a_reader_cannot_write(self, settings: Settings) -> None:
        database = Database(settings.store_url)
        with pytest.raises(Unavailable):
            async with database.read() as connection:
                await connection.execute(insert(projects).values(name="x"))
        await database.close()

    async def test_who_locks_one_thing_does_not_wait_for_another(self, settings: Settings) -> None:
        database = Database(settings.store_url)
        async with (
            asyncio.timeout(10),
            database.write(Lock.LOG.of("main", "a")),
            database.write(Lock.LOG.of("main", "b")),
        ):
            pass
        async with database.write(Lock.ADDRESSES):
            second = asyncio.create_task(_enter(database, Lock.ADDRESSES))
            done, _ = await asyncio.wait({second}, timeout=0.3)
            assert not done
        await second
        await database.close()

    async def test_connections_that_were_cut_are_made_anew(
        self, settings: Settings, store: Store, server: Postgres
    ) -> None:
        await store.secrets.set("main", "KEY", "value")
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'NAME'"
        name = settings.store_url.rpartition("/")[2]
        server.sql("postgres", cut.replace("NAME", name))
        assert await store.secrets.values("main", ["KEY"]) == {"KEY": "value"}

    async def test_a_transaction_that_is_cut_is_unavailable_and_undone(
        self, settings: Settings, store: Store, server: Postgres
    ) -> None:
        database = Database(settings.store_url)
        own = text("SELECT pg_backend_pid()")

        async def write() -> None:
            async with database.write() as connection:
                values = {"name": "gone", "created_at": database.clock()}
                await connection.execute(insert(projects).values(values))
                pid = await connection.scalar(own)
                server.sql("postgres", f"SELECT pg_terminate_backend({pid}, 5000)")
                await connection.scalar(own)

        with pytest.raises(Unavailable, match="The store does not answer"):
            await write()
        assert await store.projects.find("gone") is None
        await database.close()

    async def test_a_mistake_of_ours_is_no_trouble_of_the_server(self, settings: Settings) -> None:
        database = Database(settings.store_url)
        with pytest.raises(DBAPIError):
            async with database.read() as connection:
                await connection.scalar(text("SELECT nothing FROM nowhere"))
        await database.close()

    async def test_a_statement_that_hangs_is_ended(self, settings: Settings) -> None:
        database = Database(settings.store_url, seconds=0.2)
        async with database.write(Lock.ADDRESSES):
            with pytest.raises(Unavailable):
                await _enter(database, Lock.ADDRESSES)
        await database.close()


async def _enter(database: Database, lock: str) -> None:
    async with database.write(lock):
        pass
