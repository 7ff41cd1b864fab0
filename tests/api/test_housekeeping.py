import asyncio
import logging
from datetime import timedelta

import pytest

from api.housekeeping import sweep
from perdure.errors import Unavailable
from spec.audit import Action
from store.audit import NOBODY, Entry
from store.store import Store
from tests.store.conftest import Clock


async def test_old_events_of_the_audit_log_are_swept(store: Store, clock: Clock) -> None:
    await store.audit.record(NOBODY, Entry(Action.RUN_STOP, "main/app"))
    clock.move(days=366)
    sweeping = asyncio.create_task(sweep(store, pause=0.01))
    async with asyncio.timeout(10):
        while await store.audit.read(1):
            await asyncio.sleep(0.01)
    sweeping.cancel()


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
