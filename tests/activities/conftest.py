"""A store, and an environment in which deeds run without Temporal."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from perdure.settings import Settings
from store.setup import set_up
from store.store import Store, open_store
from tests.workflows.runtime import SocketRuntime


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
async def store(settings: Settings, tmp_path: Path) -> AsyncIterator[Store]:
    await asyncio.to_thread(set_up, settings, tmp_path / "config.yml")
    async with open_store(settings) as opened:
        yield opened


@pytest.fixture
def environment() -> ActivityEnvironment:
    return ActivityEnvironment()


@pytest.fixture
async def runtime() -> AsyncIterator[SocketRuntime]:
    made = SocketRuntime()
    yield made
    for token in tuple(made.containers):
        await made.remove(token)
