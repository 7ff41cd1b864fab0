"""The tunnels process, from its start to its end."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from hosts.tunnels.board import Board
from hosts.tunnels.key import load_or_create
from hosts.tunnels.routes import Routes
from perdure import lock
from perdure.data_dir import DataDir
from perdure.errors import CannotStart
from perdure.health import Health
from perdure.program import stop_signal
from perdure.settings import Settings

LOOK_SECONDS = 1.0
"""Between two looks at the proxy's table: a new replica on another machine waits for one."""


async def run(settings: Settings) -> None:
    """Keep tunnels until SIGTERM or SIGINT, then end them all. Raises `CannotStart`.

    A process that is killed leaves its tunnels open, and the next one takes them over.
    """
    data = settings.data
    data.create()
    with _alone(data):
        identity = data.keys / "tunnels"
        load_or_create(identity)
        board = Board(data.tunnels, identity)
        told = stop_signal()
        board.adopt()
        pages = {"/tunnels": lambda: board.health().model_dump_json().encode()}
        health = Health(data.sockets / "tunnels.sock", pages)
        health.ready = True  # a machine that is away is not this process's failure
        try:
            async with health, Routes(data.proxy_socket) as routes:
                await _follow(routes, board, told)
        finally:
            await board.end()


async def _follow(routes: Routes, board: Board, told: asyncio.Event) -> None:
    while not told.is_set():
        board.want(await routes.wanted())
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await told.wait()
        except TimeoutError:
            continue


@contextmanager
def _alone(data: DataDir) -> Iterator[None]:
    """Two that own the same sockets would take them from each other."""
    held = lock.open_lock(data.run / "tunnels.lock")
    try:
        if not lock.take(held):
            raise CannotStart(
                f"The tunnels of `{data.root}` are kept by another process.",
                hint="`perdure server` runs it already; one per machine is enough.",
            )
        yield
    finally:
        os.close(held)
