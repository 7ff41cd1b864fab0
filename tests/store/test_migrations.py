"""Migrations: up, down and up again, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from perdure.errors import CannotStart
from perdure.settings import Settings
from spec.audit import Outcome
from spec.people import GlobalRole
from spec.scopes import FULL
from store.audit import Audit
from store.database import Database
from store.downgrade import main, take_back
from store.head import HEAD, is_set_up, until_set_up
from store.locks import Lock
from store.schema import MIGRATIONS, downgrade, migrate, upgrade, version
from store.setup import set_up
from store.store import open_store
from store.tables import metadata
from store.tokens import Tokens
from store.users import Users
from tests.testbed.deadline import eventually
from tests.testbed.postgres import Postgres


@pytest.fixture
async def empty(fresh: Settings) -> AsyncIterator[Database]:
    fresh.data.create()
    database = Database(fresh.store_url)
    yield database
    await database.close()


def differences(connection: Connection) -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def revisions() -> list[str]:
    """All of them, the oldest first."""
    from alembic.script import ScriptDirectory

    walked = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    return [script.revision for script in walked][::-1]


async def test_from_scratch_equal_the_tables(empty: Database) -> None:
    async with empty.write() as connection:
        await connection.run_sync(upgrade)
        assert await connection.run_sync(differences) == []
    assert await version(empty) == HEAD


async def test_equal_what_a_first_start_makes(empty: Database) -> None:
    async with empty.write() as connection:
        await connection.run_sync(migrate)
        assert await connection.run_sync(differences) == []
    assert await version(empty) == HEAD


def test_the_newest_is_the_head() -> None:
    assert revisions()[-1] == HEAD


async def test_go_down_and_up_again_one_by_one(empty: Database) -> None:
    async with empty.write() as connection:
        await connection.run_sync(migrate)
    for older in [*revisions()[:-1][::-1], "base"]:
        async with empty.write() as connection:
            await connection.run_sync(downgrade, older)
        assert await version(empty) == (None if older == "base" else older)
    async with empty.write() as connection:
        assert await connection.run_sync(tables) == {"alembic_version"}
    for newer in revisions():
        async with empty.write() as connection:
            await connection.run_sync(upgrade, newer)
        assert await version(empty) == newer
    async with empty.write() as connection:
        assert await connection.run_sync(differences) == []


async def test_run_again_change_nothing(empty: Database) -> None:
    for _ in range(2):
        async with empty.write() as connection:
            await connection.run_sync(migrate)
    assert await version(empty) == HEAD


async def test_newer_tables_are_refused(settings: Settings) -> None:
    database = Database(settings.store_url)
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert not await is_set_up(settings.store_url)
    with pytest.raises(CannotStart, match="newer version"):
        async with database.write() as connection:
            await connection.run_sync(migrate)
    await database.close()
    with pytest.raises(CannotStart, match="version 9999"):
        async with open_store(settings):
            pass
    with pytest.raises(CannotStart, match="by another version"):
        await until_set_up(settings.store_url, 0.05)


def test_a_start_refuses_newer_tables_and_leaves_them(settings: Settings, tmp_path: Path) -> None:
    async def newer() -> None:
        database = Database(settings.store_url)
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        await database.close()

    async def found() -> str | None:
        database = Database(settings.store_url)
        try:
            return await version(database)
        finally:
            await database.close()

    asyncio.run(newer())
    with pytest.raises(CannotStart, match="newer version"):
        set_up(settings, tmp_path / "config.yml")
    assert asyncio.run(found()) == "9999"


async def test_go_down_no_further_than_there_are_versions(settings: Settings) -> None:
    with pytest.raises(CannotStart, match=f"of version {HEAD}: there is no way back to 9999"):
        await take_back(settings, "9999")
    assert await is_set_up(settings.store_url)


def test_an_operator_takes_the_tables_back(
    fresh: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(fresh, tmp_path / "config.yml")
    monkeypatch.setenv("PERDURE_DATA_DIR", str(fresh.data_dir))
    monkeypatch.setenv("PERDURE_DATABASE_URL", fresh.database_url.get_secret_value())
    assert main(["base"]) == 0
    assert not asyncio.run(is_set_up(fresh.store_url))
    set_up(fresh, tmp_path / "config.yml")
    assert asyncio.run(is_set_up(fresh.store_url))


async def test_from_the_first_version_keep_people_tokens_and_events(empty: Database) -> None:
    async with empty.write() as connection:
        await connection.run_sync(upgrade, "0001")
        for statement in (
            "INSERT INTO users VALUES ('ann', 'admin', '2026-01-01')",
            "INSERT INTO tokens VALUES ('t1', 'ann', 'cli', 'aa', '2026-01-01', NULL)",
            'INSERT INTO audit (at, "user", action, subject) VALUES '
            "('2026-01-01', 'ann', 'member.set', 'main/bob user'), "
            "('2026-01-02', 'ann', 'user.create', 'bob')",
        ):
            await connection.exec_driver_sql(statement)
    async with empty.write() as connection:
        await connection.run_sync(migrate)
    (token,) = await Tokens(empty).of("ann")
    assert token.scopes == FULL
    later, earlier = await Audit(empty, timedelta(days=1)).read(10)
    assert (earlier.project, earlier.token, earlier.outcome) == ("main", "", Outcome.DONE)
    assert (later.project, later.subject) == (None, "bob")


async def test_on_the_way_back_no_token_opens_more_than_before(empty: Database) -> None:
    async with empty.write() as connection:
        await connection.run_sync(migrate)
    await Users(empty).create("ann", GlobalRole.ADMIN)
    for scopes in (["api"], ["services:api"], ["services:main/llm"]):
        await Tokens(empty).create("ann", scopes[0], scopes=scopes)
    async with empty.write() as connection:
        await connection.run_sync(downgrade, "0001")
        left = (await connection.exec_driver_sql("SELECT name FROM tokens")).all()
    assert [tuple(row) for row in left] == [("api",)]
    async with empty.write() as connection:
        await connection.run_sync(migrate)
    (token,) = await Tokens(empty).of("ann")
    assert token.scopes == FULL


@pytest.mark.long
class TestPostgres:
    @pytest.fixture
    def server(self, postgres: Postgres) -> Postgres:
        return postgres

    async def test_a_downgrade_waits_for_who_sets_up(
        self, settings: Settings, server: Postgres
    ) -> None:
        database = Database(settings.store_url)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with database.write(Lock.SETUP):
            other = asyncio.create_task(take_back(settings, "base"))
            await eventually(lambda: server.sql("postgres", waiting) == "1", "it waits")
        await other
        assert await version(database) is None
        await database.close()
