"""One machine's tunnels, kept as they are wanted: a task that decides, acts, and waits."""

import asyncio
import logging
import math
import time
from enum import StrEnum
from pathlib import Path

from hosts.tunnels.address import Remote, Tunnel
from hosts.tunnels.decision import (
    LONGEST_PAUSE,
    Close,
    Connect,
    Leave,
    Open,
    Rest,
    Step,
    View,
    decide,
)
from hosts.tunnels.master import Master
from perdure.errors import InstanceUnreachable
from spec.public import Model

logger = logging.getLogger(__name__)


class LinkState(StrEnum):
    """Whether a machine can be reached."""

    CONNECTING = "connecting"
    UP = "up"
    FAILING = "failing"


class TunnelHealth(Model):
    """One address, the socket that stands for it, and whether it is open."""

    address: str
    socket: str
    open: bool


class LinkHealth(Model):
    """One machine. `error` is why it is failing."""

    machine: str
    state: LinkState
    error: str
    tunnels: tuple[TunnelHealth, ...]


class Link:
    """Begins when it is made, and ends when nothing is wanted of it."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        self._remote = remote
        self._folder = folder
        self._changed = asyncio.Event()
        self._master = Master(remote, folder, self._lost)
        self._wanted: frozenset[Tunnel] = frozenset()
        self._opened: frozenset[Tunnel] = frozenset()
        self._failures = 0
        self._failed_at = 0.0
        self._connected_at = 0.0
        self._error = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._task is not None and self._task.done()

    @property
    def opened(self) -> frozenset[Tunnel]:
        """The tunnels that are open now."""
        return self._opened

    def want(self, tunnels: frozenset[Tunnel]) -> None:
        """Have these, and no other, from now on."""
        if tunnels != self._wanted:
            self._wanted = tunnels
            self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=str(self._remote))

    async def end(self) -> None:
        """End the connection and what belongs to it, whatever is wanted."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._leave()

    def health(self) -> LinkHealth:
        """As of now."""
        state = LinkState.UP if self._master.connected else LinkState.CONNECTING
        return LinkHealth(
            machine=str(self._remote),
            state=LinkState.FAILING if self._error else state,
            error=self._error,
            tunnels=tuple(
                TunnelHealth(
                    address=each.address,
                    socket=str(self._folder / each.socket),
                    open=each in self._opened,
                )
                for each in sorted(self._wanted | self._opened)
            ),
        )

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            step = decide(self._view(), time.monotonic())
            try:
                await self._take(step)
            except InstanceUnreachable as error:
                self._failed(error)
            if step == Leave() and not self._wanted:
                return

    async def _take(self, step: Step) -> None:
        match step:
            case Connect():
                adopted = await self._master.connect()
                logger.info("`%s` is %s", self._remote, "adopted" if adopted else "connected")
                self._connected_at = time.monotonic()
                self._error = ""
            case Open(tunnel):
                await self._master.open(tunnel)
                self._opened |= {tunnel}
                self._error = ""
            case Close(tunnel):
                await self._master.close(tunnel)
                self._opened -= {tunnel}
            case Leave():
                await self._leave()
            case Rest(until):
                await self._rest(until)

    async def _rest(self, until: float) -> None:
        pause = None if until == math.inf else max(0.0, until - time.monotonic())
        try:
            async with asyncio.timeout(pause):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _leave(self) -> None:
        await self._master.leave()
        for tunnel in self._wanted | self._opened:
            self._master.discard(tunnel)
        self._opened = frozenset()
        logger.info("`%s` is left", self._remote)

    def _view(self) -> View:
        return View(
            self._wanted, self._opened, self._master.connected, self._failures, self._failed_at
        )

    def _lost(self) -> None:
        logger.warning("The connection to `%s` has ended", self._remote)
        self._opened = frozenset()
        # One that lasted is made anew at once; one that keeps breaking waits longer and longer.
        now = time.monotonic()
        steady = now - self._connected_at >= LONGEST_PAUSE
        self._failures = 0 if steady else self._failures + 1
        self._failed_at = now
        self._changed.set()

    def _failed(self, error: InstanceUnreachable) -> None:
        if error.message != self._error:
            logger.warning("%s", error.message)
        self._error = error.message
        self._failures += 1
        self._failed_at = time.monotonic()
