"""Starts parts in their order, keeps them running, adopts those of an earlier life, stops them."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from perdure import lock
from perdure.data_dir import DataDir
from perdure.errors import CannotStart
from perdure.health import Address, Health
from server import listener
from server.child import Backoff, Child
from server.metrics import PartMetrics, readiness
from server.part import LISTENER, Part, Step
from server.terminal import Terminal

NAME = "server"
READY_POLL = 0.05  # seconds between two probes of a part that is starting
MOST_ENDS = 3  # ends of a part before it was ever ready, until we give up
LAST_WORDS = 12  # lines of its log that are shown then


@dataclass(frozen=True)
class Place:
    """Where a supervisor works. `host` and `port` are those of the public listening socket.

    `health` is where its health is on TCP, if anywhere.
    """

    data: DataDir
    host: str
    port: int
    ready_timeout: float = 60.0
    health: Address | None = None
    backoff: Backoff = field(default_factory=Backoff)


@contextmanager
def only_server(data: DataDir) -> Iterator[None]:
    """Be the only one who uses a data directory. Raises `CannotStart` when somebody else does."""
    try:
        descriptor = lock.open_lock(data.lock)
    except OSError as error:
        raise CannotStart(
            f"`{data.lock}` cannot be written: {(error.strerror or '').lower()}.",
            hint="Set `PERDURE_DATA_DIR` to a folder that can be written.",
        ) from error
    try:
        if not lock.take(descriptor):
            pid = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
            raise CannotStart(
                f"Another `perdure server` (pid {pid}) uses `{data.root}`.",
                hint="Use that one, stop it, or set `PERDURE_DATA_DIR` to another folder.",
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


class Supervisor:
    """Runs parts and steps on one machine; they are given in the order in which they start.

    They stop in the opposite order; a second signal kills what is slow to stop. A supervisor that
    is killed leaves its parts running for the next one.
    """

    def __init__(self, place: Place, parts: Sequence[Part | Step], terminal: Terminal) -> None:
        self._place, self._parts, self._terminal = place, parts, terminal
        self._done = {part.name: asyncio.Event() for part in parts}
        self._children: list[Child] = []
        self._keepers: dict[str, asyncio.Task[None]] = {}

    async def run(self, when_ready: Callable[[], str]) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP. Raises `CannotStart`, with everything stopped."""
        stop = self._stop_signals()
        merging = asyncio.create_task(
            self._terminal.merge(self._place.data.logs, [part.name for part in self._parts])
        )
        try:
            async with self._health() as health:
                await self._serve(stop, health, when_ready)
        finally:
            merging.cancel()
        self._terminal.say(NAME, "stopped")

    async def _serve(
        self, stop: asyncio.Event, health: Health, when_ready: Callable[[], str]
    ) -> None:
        public: socket.socket | None = None
        try:
            public = await self._listener()
            starting = asyncio.create_task(self._start_all(public.fileno()))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                health.started = True
                self._terminal.say(NAME, when_ready())
            await self._until(stopping)
            starting.cancel()
            await asyncio.wait({starting})
            self._terminal.say(NAME, "stopping; replicas go on running")
        finally:
            await self._stop_all()
            if public is not None:
                public.close()

    def _health(self) -> Health:
        data = self._place.data
        return Health(
            data.server_socket,
            address=self._place.health,
            look=partial(readiness, self._children),
            metrics=PartMetrics(self._children, data).exposition,
        )

    async def _listener(self) -> socket.socket:
        place = self._place
        taken = listener.taken_over(place.data.listener_socket, place.host, place.port)
        if taken is not None:
            return taken
        for part in reversed(self._long_running()):
            if LISTENER in part.command:  # it has a socket that we cannot get, or must not want
                await self._child(part, -1).end_earlier()
        return listener.opened(place.host, place.port)

    async def _until(self, stopping: "asyncio.Task[bool]") -> None:
        """Return when told to stop; a keeper that fails, which none should, ends the server."""
        keepers = set(self._keepers.values())
        await asyncio.wait({stopping, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        for keeper in keepers:
            if keeper.done():
                keeper.result()

    def _stop_signals(self) -> asyncio.Event:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def told() -> None:
            if stop.is_set():
                for child in self._children:
                    child.kill()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, told)
        return stop

    def _long_running(self) -> list[Part]:
        return [part for part in self._parts if isinstance(part, Part)]

    def _child(self, part: Part, public: int) -> Child:
        return Child(
            part,
            run=self._place.data.run,
            logs=self._place.data.logs,
            listener=public,
            backoff=self._place.backoff,
            say=partial(self._terminal.say, NAME),
        )

    async def _start_all(self, public: int) -> None:
        try:
            async with asyncio.timeout(self._place.ready_timeout), asyncio.TaskGroup() as group:
                for part in self._parts:
                    group.create_task(self._bring_up(part, public))
        except TimeoutError as error:
            late = ", ".join(name for name, done in self._done.items() if not done.is_set())
            raise CannotStart(
                f"Not ready within {self._place.ready_timeout:.0f} s: {late}.",
                hint=f"See `{self._place.data.logs}`; a slow machine may need a longer "
                "`PERDURE_READY_TIMEOUT`.",
            ) from error
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _bring_up(self, part: Part | Step, public: int) -> None:
        for name in part.after:
            await self._done[name].wait()
        if isinstance(part, Step):
            await self._run_step(part)
        else:
            child = self._child(part, public)
            self._children.append(child)
            self._keepers[part.name] = asyncio.create_task(child.keep())
            await self._ready(child)
        self._done[part.name].set()

    async def _ready(self, child: Child) -> None:
        keeper = self._keepers[child.part.name]
        while not (child.runs.is_set() and await child.part.probe()):
            if keeper.done():
                keeper.result()
            if child.ends >= MOST_ENDS:
                raise self._failed(child.part.name, "ends as soon as it is started")
            await asyncio.sleep(READY_POLL)

    async def _run_step(self, step: Step) -> None:
        with (self._place.data.logs / f"{step.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *step.command,
                env=dict(step.environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code:
            raise self._failed(step.name, f"failed with exit code {code}")

    def _failed(self, name: str, how: str) -> CannotStart:
        path = self._place.data.logs / f"{name}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        words = "\n".join(f"  {line}" for line in text.splitlines()[-LAST_WORDS:])
        return CannotStart(f"`{name}` {how}. Its last words:\n{words}", hint=f"See `{path}`.")

    async def _stop_all(self) -> None:
        order = {part.name: position for position, part in enumerate(self._parts)}
        for child in sorted(self._children, key=lambda child: -order[child.part.name]):
            await child.stop(self._keepers[child.part.name])
