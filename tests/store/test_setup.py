import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from perdure.client_config import KnownProject, load
from perdure.errors import CannotStart, Unavailable
from perdure.settings import Settings
from spec.audit import Outcome
from spec.people import GlobalRole, ProjectRole
from spec.scopes import FULL
from store.audit import Audit
from store.database import Database
from store.head import HEAD, is_set_up, until_set_up
from store.schema import MIGRATIONS, migrate, upgrade, version
from store.setup import set_up
from store.store import Store, open_store
from store.tables import metadata
from store.tokens import Tokens
from store.users import Users
from tests.store.conftest import TOKEN


def to(connection: Connection, revision: str) -> None:
    """Bring the tables to this version, forwards or back."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    known = inspect(connection).has_table("alembic_version")
    (command.downgrade if known else command.upgrade)(config, revision)


def tree(folder: Path) -> dict[str, bytes]:
    names = ("admin.token", "internal.key", "master.key", "master.check")
    return {name: (folder / name).read_bytes() for name in names}


async def test_first_start_makes_an_admin_of_the_project_main(store: Store) -> None:
    caller = await store.tokens.caller(TOKEN)
    assert caller is not None
    assert (caller.user, caller.role) == ("admin", GlobalRole.ADMIN)
    assert caller.projects == {"main": ProjectRole.ADMIN}
    assert await store.installation.id()


def test_second_start_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    set_up(settings, tmp_path / "config.yml")
    before = tree(settings.data.root), (tmp_path / "config.yml").read_text()
    assert is_set_up(settings.store_url)
    set_up(settings, tmp_path / "config.yml")
    assert (tree(settings.data.root), (tmp_path / "config.yml").read_text()) == before


async def test_who_starts_beside_the_first_set_up_waits_for_its_end(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    waiting = asyncio.create_task(until_set_up(settings.store_url, 30))
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    await waiting
    async with open_store(settings) as store:
        assert await store.installation.id()


async def test_without_a_set_up_the_wait_ends_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="was not set up") as refused:
        await until_set_up(Settings(data_dir=tmp_path / "data").store_url, 0.05)
    assert "`perdure server` sets it up" in refused.value.hint


def test_secret_files_are_for_their_owner_only(settings: Settings) -> None:
    for name in ("admin.token", "internal.key", "master.key", "master.check"):
        assert stat.S_IMODE((settings.data.root / name).stat().st_mode) == 0o600


def test_another_master_key_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    set_up(settings, tmp_path / "config.yml")
    settings.master_key_path.write_bytes(bytes(32))
    with pytest.raises(CannotStart, match="is not that of"):
        set_up(settings, tmp_path / "config.yml")


def test_a_lost_master_key_is_not_replaced(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    set_up(settings, tmp_path / "config.yml")
    settings.master_key_path.unlink()
    with pytest.raises(CannotStart, match="cannot be read") as refused:
        set_up(settings, tmp_path / "config.yml")
    assert "backup" in refused.value.hint
    assert not settings.master_key_path.exists()


async def test_revoked_first_token_stays_revoked_after_a_restart(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_store(settings) as store:
        (first,) = await store.tokens.of("admin")
        await store.tokens.revoke("admin", first.id)
    import asyncio

    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    async with open_store(settings) as store:
        assert await store.tokens.caller(TOKEN) is None


@pytest.mark.parametrize("token", ["short", "with white space", "tab\tinside", "außen-herum"])
def test_unfit_preset_token_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(CannotStart, match="PERDURE_ADMIN_TOKEN"):
        set_up(Settings(data_dir=tmp_path / "d", admin_token=token), tmp_path / "c.yml")


def test_the_command_line_works_right_after_the_first_start(
    tmp_path: Path, settings: Settings
) -> None:
    set_up(settings, tmp_path / "config.yml")
    (own,) = load(tmp_path / "config.yml").projects
    assert own == KnownProject(name="main", url="http://localhost:3000", token=TOKEN, default=True)


def test_a_second_server_says_how_to_ask_it(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    set_up(settings, tmp_path / "config.yml")
    known = (tmp_path / "config.yml").read_text()
    second = Settings(data_dir=tmp_path / "second", port=3050)
    set_up(second, tmp_path / "config.yml")
    assert (tmp_path / "config.yml").read_text() == known
    (told,) = (record.getMessage() for record in caplog.records)
    assert "Commands go on asking the server at http://localhost:3000" in told
    add = f"`perdure project add --url http://localhost:3050 < {second.data.admin_token}`"
    assert add in told
    assert "PERDURE_CONFIG" in told


class TestMigrations:
    @pytest.fixture
    async def empty(self, tmp_path: Path) -> AsyncIterator[Database]:
        database = Database(f"sqlite+aiosqlite:///{tmp_path}/empty.db")
        yield database
        await database.close()

    async def test_from_scratch_equal_the_tables(self, empty: Database) -> None:
        def differences(connection: Connection) -> list[object]:
            from alembic.autogenerate import compare_metadata
            from alembic.migration import MigrationContext

            upgrade(connection)
            return list(compare_metadata(MigrationContext.configure(connection), metadata))

        async with empty.write() as connection:
            assert await connection.run_sync(differences) == []
        assert await version(empty) == HEAD

    async def test_the_newest_is_the_head(self) -> None:
        from alembic.script import ScriptDirectory

        assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD

    async def test_run_again_change_nothing(self, empty: Database) -> None:
        await migrate(empty)
        await migrate(empty)
        assert await version(empty) == HEAD

    async def test_from_the_first_version_keep_people_tokens_and_events(
        self, empty: Database
    ) -> None:
        async with empty.write() as connection:
            await connection.run_sync(to, "0001")
            for statement in (
                "INSERT INTO users VALUES ('ann', 'admin', '2026-01-01')",
                "INSERT INTO tokens VALUES ('t1', 'ann', 'cli', 'aa', '2026-01-01', NULL)",
                'INSERT INTO audit (at, "user", action, subject) VALUES '
                "('2026-01-01', 'ann', 'member.set', 'main/bob user'), "
                "('2026-01-02', 'ann', 'user.create', 'bob')",
            ):
                await connection.exec_driver_sql(statement)
        await migrate(empty)
        (token,) = await Tokens(empty).of("ann")
        assert token.scopes == FULL
        later, earlier = await Audit(empty, timedelta(days=1)).read(10)
        assert (earlier.project, earlier.token, earlier.outcome) == ("main", "", Outcome.DONE)
        assert (later.project, later.subject) == (None, "bob")

    async def test_on_the_way_back_no_token_opens_more_than_before(self, empty: Database) -> None:
        await migrate(empty)
        await Users(empty).create("ann", GlobalRole.ADMIN)
        for scopes in (["api"], ["services:api"], ["services:main/llm"]):
            await Tokens(empty).create("ann", scopes[0], scopes=scopes)
        async with empty.write() as connection:
            await connection.run_sync(to, "0001")
            left = (await connection.exec_driver_sql("SELECT name FROM tokens")).all()
        assert [tuple(row) for row in left] == [("api",)]
        await migrate(empty)
        (token,) = await Tokens(empty).of("ann")
        assert token.scopes == FULL

    async def test_newer_tables_are_refused(self, settings: Settings) -> None:
        database = Database(settings.store_url)
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(CannotStart, match="newer version"):
            await migrate(database)
        await database.close()
        with pytest.raises(CannotStart, match="version 9999"):
            async with open_store(settings):
                pass


async def test_database_that_another_process_keeps_busy_is_unavailable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database.BUSY_SECONDS", 0)
    other = sqlite3.connect(settings.data.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with open_store(settings) as store:
        with pytest.raises(Unavailable):
            await store.secrets.set("main", "KEY", "value")
        other.execute("COMMIT")
        await store.secrets.set("main", "KEY", "value")
    other.close()
