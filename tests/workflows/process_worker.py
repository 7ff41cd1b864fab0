"""The worker as a process of its own."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.health import answers
from tests.testbed.deadline import eventually
from tests.workflows.stage import Stage


@asynccontextmanager
async def worker(stage: Stage) -> AsyncIterator[Process]:
    """`python -P -m worker`, which notices dead colleagues soon."""
    with (stage.settings.data.logs / "worker.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "worker"),
            env=os.environ
            | {
                "PERDURE_DATA_DIR": str(stage.settings.data_dir),
                "PERDURE_RUNTIME": "process",
                "PERDURE_HEARTBEAT": "2",
                "PERDURE_STICKY_TIMEOUT": "1",
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def until_polling(stage: Stage) -> None:
    """Wait until a worker says that it is ready."""

    async def holds() -> bool:
        return await answers(stage.settings.data.worker_socket, "/readyz") == 200

    await eventually(holds, "the worker is ready", seconds=60)
