"""The tunnels process, from its start to its end."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from prometheus_client import REGISTRY

from hosts.tunnels.board import Board
from hosts.tunnels.key import load_or_create
from hosts.tunnels.metrics import TunnelMetrics
from hosts.tunnels.routes import Routes
from perdure import lock
from perdure.data_dir import DataDir
from perdure.errors import CannotStart
from perdure.health import Health, Readiness, health_address
from perdure.metrics import Build, exposition
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
        REGISTRY.register(Build("tunnels"))
        REGISTRY.register(TunnelMetrics(board.health))
        try:
            async with (
                Routes(data.proxy_socket) as routes,
                Health(
                    data.tunnels_socket,
                    address=health_address(settings, "tunnels"),
                    look=partial(_readiness, routes, board),
                    metrics=exposition,
                    pages=pages,
                ) as health,
            ):
                health.started = True
                await _follow(routes, board, told)
        finally:
            await board.end()


async def _readiness(routes: Routes, board: Board) -> Readiness:
    """Neither a machine that is away nor a proxy is this process's failure: tunnels stay."""
    away = {machine.machine: machine.error for machine in board.health().machines if machine.error}
    if not routes.answers:
        away["proxy"] = "The proxy does not tell its routes: all tunnels stay."
    return Readiness(away=away)


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
