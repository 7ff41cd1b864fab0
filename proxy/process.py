"""One proxy process, from its start to its end."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Protocol

import uvloop

from perdure.health import Health, Readiness, health_address
from perdure.program import stop_signal
from perdure.settings import Settings
from proxy import descriptors, listener
from proxy.addresses import endpoint
from proxy.client import ClientConnection
from proxy.limits import Limits
from proxy.management import Management
from proxy.metrics import exposition
from proxy.plane import Plane
from proxy.route_file import RouteFileSource
from proxy.state import State

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """Addresses are `unix:///PATH` or `tcp://HOST:PORT`; empty: there is none.

    Without `routes`, the table comes from Temporal and the tokens from an internal API of `feed`.
    """

    listener: socket.socket
    routes: Path | None
    feed: Sequence[str]
    manage: str
    front: Sequence[str]
    tunnels: Path
    trusted: Sequence[IPv4Network | IPv6Network]
    limits: Limits
    settings: Settings


class Source(Protocol):
    """Where table and tokens come from."""

    def load(self) -> None:
        """What can be known before anything is served. Raises `CannotStart`."""

    def reload(self) -> None:
        """SIGHUP: look again, now."""

    async def run(self) -> None:
        """Keep them up to date until cancelled."""


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raises `CannotStart`."""
    uvloop.run(_serve(options))


async def _serve(options: Options) -> None:
    loop = asyncio.get_running_loop()
    state = State()
    room = descriptors.for_clients(descriptors.claim())
    asked = options.limits.client_connections
    plane = Plane(
        tunnels=options.tunnels,
        limits=replace(options.limits, client_connections=min(room, asked)),
        front=tuple(endpoint(each, options.tunnels) for each in options.front),
        trusted=options.trusted,
    )
    told = stop_signal()
    source = _source(options, plane, state)
    source.load()
    loop.add_signal_handler(signal.SIGHUP, source.reload)
    health = Health(
        None,
        address=health_address(options.settings, "proxy"),
        look=partial(_readiness, plane, state),
        metrics=partial(_metrics, plane, state),
    )
    management = Management(plane, state, health)
    managing = [management.serve(listener.private(options.manage))] if options.manage else []
    server = await loop.create_server(
        lambda: ClientConnection(plane), sock=options.listener, backlog=listener.BACKLOG
    )
    plane.sweep()
    gc.freeze()
    logger.info("Listening on %s:%s", *options.listener.getsockname()[:2])
    async with health, asyncio.TaskGroup() as tasks:
        health.started = True
        sourcing = tasks.create_task(source.run())
        for each in managing:
            tasks.create_task(each)
        await told.wait()
        # Our descriptor alone: the socket may be shared with whoever comes after us.
        server.close()
        await plane.stop()
        sourcing.cancel()
        management.stop()


async def _metrics(plane: Plane, state: State) -> bytes:
    return await exposition(plane, state)


async def _readiness(plane: Plane, state: State) -> Readiness:
    return state.readiness(plane)


def _source(options: Options, plane: Plane, state: State) -> Source:
    if options.routes is not None:
        return RouteFileSource(options.routes, plane, state)
    # Only here: Temporal's client costs 40 MB that a fixed table does not need.
    from proxy.live import LiveSource  # noqa: PLC0415

    settings = options.settings
    return LiveSource(plane, state, settings, feed=options.feed, stats=options.manage)
