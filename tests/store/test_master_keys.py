"""The master key is rotated: whoever is killed at whatever point, nothing is lost or in doubt."""

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import Connection, update

from perdure import lock
from perdure.errors import CannotStart, Conflict, NotFound
from perdure.keys import read_master_keys
from perdure.settings import Settings
from spec.job import RegistryCredentials
from spec.sealed import SealedValues
from store.database import Database
from store.schema import MIGRATIONS, version
from store.setup import set_up
from store.store import Store, open_store
from store.tables import envelopes, secrets

ROOT = Path(__file__).parents[2]
VALUE = "hf_thisIsTheSecretValue"
GIVEN = SealedValues(env={"KEY": VALUE}, registry=RegistryCredentials(username="u", password=VALUE))
MOST_EFFECTS = 40

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
"""A copy of the data directory is a backup of the whole."""


async def fill(settings: Settings, secrets: int = 3) -> bytes:
    """Give it something to protect; the key of its digests."""
    async with open_store(settings) as store:
        for number in range(secrets):
            await store.secrets.set("main", f"S{number}", f"{VALUE}{number}")
        await store.envelopes.put("e1", "main", "web", GIVEN)
        return await store.kept_keys.digests()


async def require_whole(store: Store, digests: bytes, secrets: int = 3) -> None:
    names = [f"S{number}" for number in range(secrets)]
    expected = {name: f"{VALUE}{number}" for number, name in enumerate(names)}
    assert await store.secrets.values("main", names) == expected
    assert await store.envelopes.open("e1", "main", "web") == GIVEN
    assert await store.kept_keys.digests() == digests


async def require_settled(store: Store) -> None:
    current, *_ = store.master_keys.all()
    assert set(await store.master_keys.rows()) == {current.id}


def key_files(settings: Settings) -> list[str]:
    """What of the key is in the data directory; nobody else may read it."""
    found = [each for each in settings.data.root.iterdir() if "master" in each.name]
    assert all(each.stat().st_mode & 0o077 == 0 for each in found)
    return sorted(each.name for each in found)


def back_up(database: Path, to: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)


async def test_a_new_key_seals_and_the_old_one_still_opens(
    settings: Settings, store: Store
) -> None:
    digests = await fill(settings)
    (old,) = store.master_keys.all()
    done = await store.master_keys.rotate()
    assert (done.rows, done.unreadable) == (5, 0)
    new, kept = store.master_keys.all()
    assert kept.id == old.id != new.id
    await require_whole(store, digests)
    await require_settled(store)
    assert (await store.master_keys.settle()).rows == 0


async def test_who_has_the_store_open_meanwhile_goes_on_with_the_new_key(
    settings: Settings, store: Store
) -> None:
    digests = await fill(settings)
    async with open_store(settings) as other:
        await other.master_keys.rotate()
    await require_whole(store, digests)
    await store.secrets.set("main", "LATER", VALUE)
    await require_settled(store)


@on_sqlite
async def test_an_old_key_is_forgotten_and_what_it_sealed_before_does_not_open(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    digests = await fill(settings)
    back_up(settings.data.database, tmp_path / "backup.db")
    (old,) = store.master_keys.all()
    await store.master_keys.rotate()
    with pytest.raises(NotFound, match="no master key"):
        await store.master_keys.forget("0" * 12)
    new, *_ = store.master_keys.all()
    with pytest.raises(Conflict, match="is the one that seals"):
        await store.master_keys.forget(new.id)
    await store.master_keys.forget(old.id)
    assert [key.id for key in store.master_keys.all()] == [new.id]
    await require_whole(store, digests)
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    backup = {"database_url": SecretStr(f"sqlite+aiosqlite:///{tmp_path}/backup.db")}
    before = settings.model_copy(update=backup)
    with pytest.raises(CannotStart, match="cannot be opened"):
        async with open_store(before) as earlier:
            await earlier.secrets.values("main", ["S1"])


async def test_many_values_are_sealed_again_and_one_that_nobody_can_open_is_told(
    settings: Settings, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    digests = await fill(settings, secrets=230)
    broken = {"sealed": b"x" * 40}
    await store.secrets.set("main", "BROKEN", VALUE)
    database = Database(settings.store_url)
    async with database.write() as connection:
        await connection.execute(update(secrets).where(secrets.c.name == "BROKEN").values(broken))
    done = await store.master_keys.rotate()
    assert (done.rows, done.unreadable) == (232, 1)
    assert any("1 sealed values cannot be opened" in each for each in caplog.messages)
    await require_whole(store, digests, secrets=230)
    _, old = store.master_keys.all()
    with pytest.raises(Conflict, match="still needed by 1 sealed values"):
        await store.master_keys.forget(old.id)
    assert len(store.master_keys.all()) == 2
    await database.close()


async def test_rows_of_before_rows_told_their_key_are_read_and_sealed_again(
    settings: Settings, store: Store
) -> None:
    digests = await fill(settings)
    database = Database(settings.store_url)
    async with database.write() as connection:
        for table in (secrets, envelopes):
            await connection.execute(update(table).values(sealed_by=""))
    await require_whole(store, digests)
    assert (await store.master_keys.settle()).rows == 4
    await require_whole(store, digests)
    await require_settled(store)
    await database.close()


async def test_a_store_of_the_first_tables_is_migrated_and_its_values_are_read(
    settings: Settings, tmp_path: Path
) -> None:
    digests = await fill(settings)
    database = Database(settings.store_url)

    def migrate_back(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")

    async with database.write() as connection:
        await connection.run_sync(migrate_back)
    assert await version(database) == "0001"
    await database.close()
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    async with open_store(settings) as store:
        assert set(await store.master_keys.rows()) == {""}
        await require_whole(store, digests)
        await store.master_keys.settle()
        await require_settled(store)
        await require_whole(store, digests)


async def test_a_file_that_somebody_else_brings_is_taken_over(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    digests = await fill(settings)
    old = settings.master_key_path.read_bytes()
    settings.master_key_path.write_bytes(bytes(32) + old)
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    await store.master_keys.settle()
    await require_whole(store, digests)
    await require_settled(store)
    settings.master_key_path.write_bytes(bytes(32))
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    await require_whole(store, digests)


async def test_a_link_to_the_key_stays_a_link(settings: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "key"
    elsewhere.parent.mkdir()
    settings.master_key_path.rename(elsewhere)
    settings.master_key_path.symlink_to(elsewhere)
    async with open_store(settings) as store:
        await store.master_keys.rotate()
    assert settings.master_key_path.is_symlink()
    assert len(read_master_keys(elsewhere)) == 2


async def test_two_do_not_change_the_keys_at_once(settings: Settings, store: Store) -> None:
    descriptor = lock.open_lock(settings.data.run / "keys.lock")
    assert lock.take(descriptor)
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.store.rotating", str(settings.data.root), "rotate", "99"),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await other.communicate()
    assert b"The keys are being changed by another process." in told
    assert len(store.master_keys.all()) == 1


def program(settings: Settings, what: str, kill_at: int) -> int:
    return subprocess.run(
        [
            *(sys.executable, "-m", "tests.store.rotating"),
            *(str(settings.data.root), what, str(kill_at)),
        ],
        cwd=ROOT,
        check=False,
    ).returncode


def copies(settings: Settings, folder: Path) -> Iterator[tuple[int, Settings]]:
    """The same data directory again and again, with the point at which to kill."""
    for kill_at in range(MOST_EFFECTS):
        copy = folder / f"{kill_at}"
        shutil.copytree(settings.data.root, copy / "data", ignore=lambda *_: ["sockets"])
        yield kill_at, Settings(data_dir=copy / "data")


@pytest.mark.long
@on_sqlite
@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["rotate", "forget"])
def test_killed_at_any_point_it_is_whole_and_the_next_one_gets_to_the_end(
    settings: Settings, tmp_path: Path, what: str
) -> None:
    digests = asyncio.run(fill(settings))
    if what == "forget":
        assert program(settings, "rotate", MOST_EFFECTS) == 0
    before = len(read_master_keys(settings.master_key_path))
    survived: list[int] = []
    for kill_at, killed in copies(settings, tmp_path / "killed"):
        code = program(killed, what, kill_at)
        assert code in (0, -signal.SIGKILL)
        survived.append(len(read_master_keys(killed.master_key_path)))
        set_up(killed, tmp_path / "config.yml")
        asyncio.run(_look(killed, digests, what))
        if code == 0:
            break
    else:
        pytest.fail("it never got to its end")
    assert survived[0] == before
    assert len(survived) >= 8
    assert set(survived) == {1, 2}


async def _look(settings: Settings, digests: bytes, what: str) -> None:
    """After the kill: all is there; the background's own work ends it; a repetition, too."""
    async with open_store(settings) as store:
        await require_whole(store, digests)
        await store.master_keys.settle()
        await require_settled(store)
        await require_whole(store, digests)
        if what == "forget":
            for key in store.master_keys.all()[1:]:
                await store.master_keys.forget(key.id)
            assert len(store.master_keys.all()) == 1
        assert key_files(settings) == ["master.check", "master.key"]
        current, *_ = store.master_keys.all()
        check = settings.data.master_key_check.read_text()
        assert check.startswith(current.id)
