"""A replica's log reaches the store once, whoever collects it, and however many at a time."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.logs import Logs
from backends.local import LocalBackend
from hosts.process.runtime import ProcessRuntime
from spec.deeds import CollectOrder, Instance
from spec.job import Job, JobLabels
from store.store import Store

COUNT = 300
TOKEN = "t-1"
ORDER = CollectOrder(
    instance=Instance(token=TOKEN, backend="local"),
    project="main",
    run="counts",
    incarnation="life1",
    replica="run/main/counts/life1/r0-g1",
    num=0,
)


@pytest.fixture
def homes() -> Iterator[Path]:
    """Pytest's own folders are closed to the replicas' accounts."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-homes-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def counting(tmp_path: Path, homes: Path) -> AsyncIterator[ProcessRuntime]:
    """A replica that counts aloud for some seconds."""
    runtime = ProcessRuntime(tmp_path / "replicas", "server-1", homes=homes)
    script = f"for n in $(seq {COUNT}); do echo $n; sleep 0.005; done"
    labels = JobLabels(server="server-1", project="main", run="counts", replica="r0")
    job = Job(token=TOKEN, labels=labels, entrypoint=("/bin/sh", "-c"), command=(script,), port=1)
    await runtime.start(job)
    yield runtime
    await runtime.remove(TOKEN)


async def test_two_collectors_at_once_double_and_lose_no_line(
    store: Store, counting: ProcessRuntime
) -> None:
    logs = Logs({"local": LocalBackend(counting, store.gpus)}, store)
    runs = (ActivityEnvironment().run(logs.collect_logs, ORDER) for _ in range(2))
    collected = await asyncio.gather(*runs)
    assert {done.entries for done in collected} == {COUNT}
    page = await store.logs.read("main", "counts", after=0, limit=2 * COUNT)
    assert [line.text for line in page.lines] == [str(n) for n in range(1, COUNT + 1)]
