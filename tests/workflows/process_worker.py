"""The worker as a process of its own, to be killed; its replicas are real processes."""

import asyncio
import os
import shlex
import shutil
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hosts.process.runtime import SHARED_HOMES, ProcessRuntime
from tests.health import answers
from tests.testbed.deadline import eventually
from tests.workflows.stage import PROJECT, Stage

PROGRAM = """
import http.server, signal, sys, threading, time
address = ("127.0.0.1", int(sys.argv[1]))
server = http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
number = 0
while not told.wait(0.01):
    print(number, flush=True)
    number += 1
print("bye", flush=True)
"""
"""Serves HTTP and counts aloud until it is told to stop."""


def command(port: int) -> str:
    """What the service runs."""
    return shlex.join(["python", "-c", PROGRAM, str(port)])


@asynccontextmanager
async def worker(stage: Stage, crash_file: Path) -> AsyncIterator[Process]:
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
                "PERDURE_CRASH_FILE": str(crash_file),
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


@asynccontextmanager
async def machine(stage: Stage) -> AsyncIterator[ProcessRuntime]:
    """This machine's processes, as the workers of the stage see them; left empty."""
    server = await stage.store.installation.id()
    runtime = ProcessRuntime(stage.settings.data.replicas, server)
    try:
        yield runtime
    finally:
        for token in await runtime.tokens():
            await runtime.remove(token)
        shutil.rmtree(SHARED_HOMES / server, ignore_errors=True)


async def log_of(stage: Stage, run: str) -> list[str]:
    """All lines of a run, in their order."""
    page = await stage.store.logs.read(PROJECT, run, after=0, limit=100_000)
    return [line.text.rstrip("\n") for line in page.lines]
