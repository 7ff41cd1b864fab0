"""A Temporal server that goes away and comes back."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from temporalio.client import Client

from engine.client import connect
from engine.converter import PublicCodec
from perdure.errors import Unavailable
from tests.ports import free_port


class TemporalServer:
    """The real one, on a file, so that it can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.start()

    def start(self) -> None:
        binary = shutil.which("temporal", path=str(Path(sys.executable).parent))
        assert binary is not None
        self.process = subprocess.Popen(
            [
                *(binary, "server", "start-dev", "--headless", "--log-level", "never"),
                *("--port", str(self.port), "--db-filename", str(self._folder / "temporal.db")),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


async def when_ready(codec: PublicCodec) -> Client:
    """Its port is open before it answers."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await connect(codec)
            except Unavailable:
                await asyncio.sleep(0.1)
