"""The demo's server: started, waited for, stopped in order."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from screen import DemoFailed, headline, say
from stage import PERDURE, Stage

PATIENCE = 120.0  # seconds, for a first start on a slow machine


@contextlib.contextmanager
def server(stage: Stage) -> Iterator["subprocess.Popen[bytes]"]:
    """A server, which is stopped in order: its second signal kills what is slow to stop."""
    headline("Start the server")
    with log_file(stage).open("wb") as output:
        process = subprocess.Popen(
            [*PERDURE, "server"],
            env=stage.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        while process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)


def log_file(stage: Stage) -> Path:
    """The server's log."""
    return stage.folder / "server.log"


async def until_it_answers(stage: Stage, process: "subprocess.Popen[bytes]") -> None:
    """Return when the server is ready; its log is shown when it does not become so."""
    deadline = time.monotonic() + PATIENCE
    while "perdure is ready" not in (log := log_file(stage).read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            say(log)
            raise DemoFailed("the server did not start; its log is above.")
        await asyncio.sleep(0.1)
    say(f"Ready on {stage.url}/")
