import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perdure.settings import Settings
from store.setup import set_up
from store.store import Store, open_store

TOKEN = "token-of-the-admin"


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


@pytest.fixture
def settings(first_start: Path, tmp_path: Path) -> Settings:
    shutil.copytree(first_start, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", log_quota_mb=1, code_limit_mb=1)
    settings.data.create()
    return settings


@pytest.fixture
async def store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(settings, clock=clock) as opened:
        yield opened
