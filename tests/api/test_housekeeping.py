import asyncio
import logging
from datetime import timedelta

import pytest

from api.housekeeping import sweep
from perdure.errors import Unavailable
from perdure.keys import replace_secret
from perdure.settings import Settings
from store.store import Store
from tests.store.conftest import Clock


async def test_a_store_that_fails_is_told_of_once_and_does_not_end_the_sweep(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await store.tokens.create("admin", "short", expires_at=clock.now + timedelta(seconds=5))
    clock.move(seconds=5)
    expire, failures = store.tokens.expire, iter([Unavailable("The store does not answer.")] * 3)

    async def failing() -> int:
        for failure in failures:
            raise failure
        return await expire()

    monkeypatch.setattr(store.tokens, "expire", failing)
    with caplog.at_level(logging.WARNING):
        sweeping = asyncio.create_task(sweep(store, pause=0.01))
        async with asyncio.timeout(10):
            while len(await store.tokens.of("admin")) > 1:
                await asyncio.sleep(0.01)
        sweeping.cancel()
    assert [record.message for record in caplog.records] == [
        "What is over cannot be dropped for now: The store does not answer."
    ]


async def test_a_rotation_that_was_cut_is_brought_to_its_end(
    store: Store, settings: Settings
) -> None:
    """As when it was killed right after the file was replaced."""
    await store.secrets.set("main", "KEY", "value")
    key = settings.master_key_path
    replace_secret(key, bytes(32) + key.read_bytes())
    new, _ = store.master_keys.all()
    sweeping = asyncio.create_task(sweep(store, pause=0.01))
    async with asyncio.timeout(10):
        while set(await store.master_keys.rows()) != {new.id}:
            await asyncio.sleep(0.01)
    sweeping.cancel()
    assert settings.data.master_key_check.read_text().startswith(new.id)
    assert await store.secrets.values("main", ["KEY"]) == {"KEY": "value"}
