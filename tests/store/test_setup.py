import asyncio
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from perdure.client_config import KnownProject, load
from perdure.errors import CannotStart
from perdure.keys import create_master_key
from perdure.settings import Settings
from spec.people import GlobalRole, ProjectRole
from store.database import Database
from store.first_start import fill
from store.head import is_set_up, until_set_up
from store.setup import set_up
from store.store import Store, open_store
from tests.store.conftest import TOKEN


def tree(folder: Path) -> dict[str, bytes]:
    names = ("admin.token", "internal.key", "master.key", "master.check")
    return {name: (folder / name).read_bytes() for name in names}


async def test_first_start_makes_an_admin_of_the_project_main(store: Store) -> None:
    caller = await store.tokens.caller(TOKEN)
    assert caller is not None
    assert (caller.user, caller.role) == ("admin", GlobalRole.ADMIN)
    assert caller.projects == {"main": ProjectRole.ADMIN}
    assert await store.installation.id()


def test_second_start_changes_nothing(fresh: Settings, tmp_path: Path) -> None:
    assert not asyncio.run(is_set_up(fresh.store_url))
    set_up(fresh, tmp_path / "config.yml")
    before = tree(fresh.data.root), (tmp_path / "config.yml").read_text()
    assert asyncio.run(is_set_up(fresh.store_url))
    set_up(fresh, tmp_path / "config.yml")
    assert (tree(fresh.data.root), (tmp_path / "config.yml").read_text()) == before


async def test_who_starts_beside_the_first_set_up_waits_for_its_end(
    fresh: Settings, tmp_path: Path
) -> None:
    waiting = asyncio.create_task(until_set_up(fresh.store_url, 30))
    await asyncio.to_thread(set_up, fresh, tmp_path / "config.yml")
    await waiting
    async with open_store(fresh) as store:
        assert await store.installation.id()


async def test_without_a_set_up_the_wait_ends_with_what_to_do(fresh: Settings) -> None:
    with pytest.raises(CannotStart, match="was not set up") as refused:
        await until_set_up(fresh.store_url, 0.05)
    assert "`perdure server` sets it up" in refused.value.hint


async def test_of_set_ups_at_the_same_time_one_makes_everything_and_the_others_nothing(
    fresh: Settings,
) -> None:
    fresh.data.create()
    create_master_key(fresh.master_key_path)
    await asyncio.gather(*(fill(fresh.store_url, TOKEN) for _ in range(4)))
    async with open_store(fresh) as store:
        assert [user.name for user in await store.users.all()] == ["admin"]
        assert len(await store.tokens.of("admin")) == 1
        assert [project.name for project in await store.projects.all()] == ["main"]
        assert await store.changes.latest() == 1
    database = Database(fresh.store_url)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM installation")) == 1
    await database.close()


async def test_a_database_may_be_opened_by_several_at_once_from_its_first_moment(
    tmp_path: Path,
) -> None:
    async def read(url: str) -> None:
        database = Database(url)
        try:
            async with database.read() as connection:
                assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        finally:
            await database.close()

    for number in range(40):
        url = f"sqlite+aiosqlite:///{tmp_path}/{number}.db"
        await asyncio.gather(*(read(url) for _ in range(6)))


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


def test_what_was_lost_is_not_replaced_by_something_empty(fresh: Settings, tmp_path: Path) -> None:
    """Another key, or a store without a run, would be taken for the truth."""
    profile = tmp_path / "config.yml"
    set_up(fresh, profile)
    key = fresh.data.internal_key
    away = key.rename(tmp_path / "internal.key")
    with pytest.raises(CannotStart, match="internal key") as refused:
        set_up(fresh, profile)
    assert "backup" in refused.value.hint
    assert not key.exists()
    away.rename(key)
    set_up(fresh, profile)


def test_a_store_that_was_lost_is_not_replaced_by_an_empty_one(
    tmp_path: Path,
) -> None:
    mine = Settings(data_dir=tmp_path / "data")
    profile = tmp_path / "config.yml"
    set_up(mine, profile)
    for file in mine.data.root.glob("perdure.db*"):
        file.rename(tmp_path / file.name)
    with pytest.raises(CannotStart, match="is empty") as refused:
        set_up(mine, profile)
    assert "backup" in refused.value.hint
    set_up(Settings(data_dir=tmp_path / "other"), profile)
    mine.data.database.unlink(missing_ok=True)
    (tmp_path / "other" / "perdure.db").rename(mine.data.database)
    with pytest.raises(CannotStart, match="another server's"):
        set_up(mine, profile)
    for file in tmp_path.glob("perdure.db*"):
        file.rename(mine.data.root / file.name)
    set_up(mine, profile)


def test_the_file_of_the_first_token_may_be_removed(fresh: Settings, tmp_path: Path) -> None:
    profile = tmp_path / "config.yml"
    set_up(fresh, profile)
    before = profile.read_text()
    fresh.data.admin_token.unlink()
    set_up(fresh, profile)
    assert not fresh.data.admin_token.exists()
    assert profile.read_text() == before
