import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perdure.settings import Settings
from store.setup import set_up
from store.store import Store, open_store
from tests.testbed.postgres import Postgres

TOKEN = "token-of-the-admin"
PROCESSES = 4
ROUNDS = 6
RUN = ("main", "app")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory after the first start: each test gets a copy."""
    folder = tmp_path_factory.mktemp("first")
    set_up(Settings(data_dir=folder / "data", admin_token=TOKEN), folder / "config.yml")
    return folder / "data"


@pytest.fixture(scope="session")
def first_database(first_start: Path, postgres: Postgres) -> str:
    """A PostgreSQL database after the first start with the same keys: each test gets a copy."""
    name, folder = postgres.make(), first_start.with_name("on-postgres")
    shutil.copytree(first_start, folder)
    settings = Settings(data_dir=folder, database_url=postgres.url(name))
    settings.data.server_id.unlink()
    set_up(settings, first_start.parent / "config.yml")
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def server(request: pytest.FixtureRequest) -> Postgres | None:
    """Both kinds of database in turn. None: SQLite, in the data directory."""
    return request.getfixturevalue("postgres") if request.param == "postgres" else None


@pytest.fixture
def settings(
    first_start: Path, tmp_path: Path, server: Postgres | None, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """After the first start."""
    shutil.copytree(first_start, tmp_path / "data")
    template = request.getfixturevalue("first_database") if server else ""
    with database(server, template) as url:
        settings = Settings(
            data_dir=tmp_path / "data", database_url=url, log_quota_mb=1, code_limit_mb=1
        )
        settings.data.create()
        if server is not None:
            settings.data.server_id.unlink()  # it is that of the SQLite database
        yield settings


@pytest.fixture
def fresh(tmp_path: Path, server: Postgres | None) -> Iterator[Settings]:
    """Before the first start."""
    with database(server, "template0") as url:
        yield Settings(data_dir=tmp_path / "fresh", database_url=url)


@contextmanager
def database(server: Postgres | None, template: str) -> Iterator[str]:
    """The URL of one that nobody else has."""
    if server is None:
        yield ""
        return
    name = server.make(template)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def content(settings: Settings, server: Postgres | None) -> Callable[[], bytes]:
    """All that the database has now."""

    def read() -> bytes:
        if server is not None:
            return server.content(settings.store_url.rpartition("/")[2]).encode()
        # The third one, `-shm`, is where readers say that they read.
        files = set(settings.data.root.glob("perdure.db*"))
        files -= {settings.data.root / "perdure.db-shm"}
        return b"".join(file.read_bytes() for file in sorted(files))

    return read


@pytest.fixture
async def store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(settings, clock=clock) as opened:
        yield opened


@pytest.fixture
async def stores(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Store, ...]]:
    """A store for each of the processes."""
    async with AsyncExitStack() as opened:
        yield tuple(
            [
                await opened.enter_async_context(open_store(settings, clock=clock))
                for _ in range(PROCESSES)
            ]
        )
