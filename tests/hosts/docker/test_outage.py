"""An engine that dies or hangs is told quickly, and jobs outlive it."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hosts.addresses import AddressBook
from hosts.docker import DockerRuntime
from perdure.errors import InstanceUnreachable
from spec.log import LogEntry
from tests.hosts.docker.jobs import shell, text_of
from tests.testbed.engine import Engine

COUNT = """python3 -c "
import time
for n in range(1, 1001):
    print(n)
    time.sleep(0.003)
"; exec sleep 1000"""


async def test_no_engine_is_unreachable(book: AddressBook, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/docker.sock"
    async with DockerRuntime(nowhere, "s", book) as runtime:
        for call in (runtime.machine(), runtime.state("t"), runtime.tokens(), runtime.remove("t")):
            with pytest.raises(InstanceUnreachable, match="refuses connections"):
                await call


async def test_a_hung_engine_is_unreachable(
    mortal_engine: Engine, book: AddressBook, token: str
) -> None:
    patience = timedelta(seconds=0.3)
    async with DockerRuntime(mortal_engine.url, "s", book, patience=patience) as runtime:
        mortal_engine.freeze()
        try:
            with pytest.raises(InstanceUnreachable, match="in time"):
                await runtime.state(token)
        finally:
            mortal_engine.thaw()


async def test_jobs_and_their_logs_outlive_the_engine(
    mortal: DockerRuntime, mortal_engine: Engine, token: str
) -> None:
    started = await mortal.start(shell(token, COUNT))
    waiting = asyncio.create_task(mortal.wait(token))
    entries: list[LogEntry] = []
    cursor = ""

    async def read_until_the_engine_dies() -> None:
        nonlocal cursor
        async for batch in mortal.follow(token, ""):
            entries.extend(batch.entries)
            cursor = batch.cursor
            if len(entries) > 50 and mortal_engine.alive:
                mortal_engine.kill()

    with pytest.raises(InstanceUnreachable):
        await read_until_the_engine_dies()
    with pytest.raises(InstanceUnreachable):
        await waiting
    with pytest.raises(InstanceUnreachable):
        await mortal.state(token)
    mortal_engine.start()
    assert await mortal.start(shell(token, COUNT)) == started
    async for batch in mortal.follow(token, cursor):
        entries += batch.entries
        if any(entry.text == b"1000" for entry in batch.entries):
            break
    assert text_of(entries) == "".join(f"{n}\n" for n in range(1, 1001))
