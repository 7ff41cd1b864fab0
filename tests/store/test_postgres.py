"""What is said when PostgreSQL cannot be reached, and that no password is in it."""

import importlib
import logging
import sys
from pathlib import Path

import pytest

from perdure.errors import CannotStart, PerdureError, Unavailable
from perdure.settings import Settings
from store.database import Database
from store.head import is_set_up, until_set_up
from store.postgres import is_postgres, shown
from store.setup import main, set_up
from store.store import open_store
from tests.ports import free_port
from tests.testbed.postgres import USER, Postgres

PASSWORD = "pa:ss/w?rd"


def test_what_is_shown_of_a_url_is_where_it_leads() -> None:
    url = (
        f"postgresql+asyncpg://me:secret@db.example:5432/store?sslmode=require&password={PASSWORD}"
    )
    assert is_postgres(url)
    assert shown(url) == "db.example:5432/store"
    assert not is_postgres("sqlite+aiosqlite:////var/lib/perdure.db")


async def test_without_its_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    url = "postgresql+asyncpg://u@127.0.0.1/d"
    with pytest.raises(CannotStart, match="`asyncpg` is not installed") as told:
        await is_set_up(url)
    assert "perdure[server,postgres]" in told.value.hint
    with pytest.raises(CannotStart, match="`asyncpg` is not installed"):
        Database(url)


def test_sqlite_does_not_need_the_driver() -> None:
    for module in ("store.head", "store.database", "store.postgres"):
        assert "asyncpg" not in vars(importlib.import_module(module))


async def test_one_that_is_not_there_is_unavailable_and_waited_for() -> None:
    url = f"postgresql+asyncpg://u:{PASSWORD}@127.0.0.1:{free_port()}/d"
    with pytest.raises(CannotStart, match="is no URL of PostgreSQL") as malformed:
        await is_set_up(url)
    assert PASSWORD not in malformed.value.message + malformed.value.hint
    port = free_port()
    url = f"postgresql+asyncpg://u:secret@127.0.0.1:{port}/d"
    with pytest.raises(Unavailable, match=f"`127.0.0.1:{port}` does not answer") as away:
        await until_set_up(url, 0.5)
    assert "PERDURE_DATABASE_URL" in away.value.hint
    assert "secret" not in away.value.message + away.value.hint


@pytest.mark.parametrize(
    ("parameters", "message"),
    [("sslmode=nonsense", "cannot be asked like this"), ("host=/nowhere", "does not answer")],
)
async def test_libpqs_parameters_count(parameters: str, message: str) -> None:
    with pytest.raises(PerdureError, match=message):
        await is_set_up(f"postgresql+asyncpg:///d?user=u&{parameters}")


@pytest.mark.long
class TestServer:
    @pytest.fixture
    def server(self, postgres: Postgres) -> Postgres:
        return postgres

    async def test_a_wrong_password_is_told(self, server: Postgres) -> None:
        with pytest.raises(CannotStart, match=f"does not let the user `{USER}` in") as told:
            await until_set_up(server.url("postgres", password="wr0ng"), 30)
        assert "wr0ng" not in told.value.message + told.value.hint

    async def test_an_unknown_user_is_told(self, server: Postgres) -> None:
        with pytest.raises(CannotStart, match="does not let the user `nobody` in"):
            await until_set_up(server.url("postgres", user="nobody"), 30)

    async def test_a_missing_database_is_told_with_how_to_make_it(self, server: Postgres) -> None:
        with pytest.raises(CannotStart, match="has no database `nowhere`") as told:
            await until_set_up(server.url("nowhere"), 30)
        assert f"createdb --owner={USER} nowhere" in told.value.hint

    def test_a_user_who_may_make_no_tables_is_told(self, server: Postgres, tmp_path: Path) -> None:
        server.sql("postgres", "CREATE ROLE guest LOGIN PASSWORD 'guest'")
        name = server.make()
        guest = server.url(name, user="guest", password="guest")
        with pytest.raises(CannotStart, match="does not let us make tables") as told:
            set_up(Settings(data_dir=tmp_path / "data", database_url=guest), tmp_path / "c.yml")
        assert "OWNER TO" in told.value.hint
        server.drop(name)

    def test_a_failed_set_up_is_told_by_its_process_without_the_password(
        self,
        server: Postgres,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("PERDURE_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("PERDURE_DATABASE_URL", server.url("nowhere"))
        assert main() == 1
        said = capsys.readouterr().err
        assert "error: PostgreSQL at" in said
        assert server.password not in said

    async def test_a_store_that_goes_away_is_told_to_the_log_and_not_to_who_asked(
        self, settings: Settings, server: Postgres, caplog: pytest.LogCaptureFixture
    ) -> None:
        name = settings.store_url.rpartition("/")[2]
        async with open_store(settings) as store:
            server.sql("postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            server.sql("postgres", cut)
            with caplog.at_level(logging.WARNING), pytest.raises(Unavailable) as told:
                await store.changes.latest()
            server.sql("postgres", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            assert await store.changes.latest() == 1
        assert (told.value.message, "127.0.0.1" in told.value.hint) == (
            "The store does not answer.",
            False,
        )
        assert f"127.0.0.1:{server.port}" in caplog.text
        assert server.password not in caplog.text
