"""One supervised process: started or adopted, watched, started again, stopped.

It lives while its pid file is locked. It inherits the lock, and it writes its own pid: whenever
the supervisor is killed, the next one finds it.
"""

import asyncio
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from perdure import lock
from server.part import LISTENER, Part

LAUNCH = 'echo "$$ $1" >"$0"; shift; exec "$@"'  # $0: the pid file, $1: the fingerprint
ADOPTION_SECONDS = 2.0  # between the lock of a pid file and the pid in it


@dataclass(frozen=True)
class Backoff:
    """Seconds before a restart: doubled each time, none after a life of `stable` seconds."""

    first: float = 0.1
    longest: float = 10.0
    stable: float = 10.0

    def after(self, last: float, lived: float) -> float:
        """The delay after a life of so many seconds, when the last delay was `last`."""
        return 0.0 if lived > self.stable else min(self.longest, max(self.first, last * 2))


class Say(Protocol):
    """Tells people what happens to a part."""

    def __call__(self, text: str, *, level: str = "info") -> None:
        """One line, as `Terminal.say` has it."""
        ...


class Child:
    """Keeps the process of one part.

    `runs` is set once it was started or adopted; `ends` counts how often it ended unasked.
    """

    def __init__(
        self,
        part: Part,
        *,
        run: Path,
        logs: Path,
        listener: int,
        backoff: Backoff,
        say: Say,
    ) -> None:
        self.part = part
        self.ends = 0
        self.runs = asyncio.Event()
        self._pid_file = run / f"{part.name}.pid"
        self._log_file = logs / f"{part.name}.log"
        self._listener = listener
        self._backoff = backoff
        self._say = say
        self._stopping = False
        self._pidfd = -1

    @property
    def is_running(self) -> bool:
        """Whether the process lives, as far as is known."""
        return self._pidfd >= 0

    async def keep(self) -> None:
        """Keep it running until `stop`."""
        delay = 0.0
        while True:
            began = time.monotonic()
            try:
                await self._start_or_adopt()
                self.runs.set()
                how = await self._ended()
            except OSError as error:  # no memory, no disk: it may be better later
                how = str(error)
            if self._stopping:
                return
            self.ends += 1
            delay = self._backoff.after(delay, time.monotonic() - began)
            self._say(
                f"{self.part.name} ended ({how}), starting again in {delay:.1f} s", level="warning"
            )
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - only spreads load

    async def stop(self, keeper: "asyncio.Task[None]") -> None:
        """SIGTERM, and SIGKILL after its grace; returns when it and its keeper have ended."""
        self._stopping = True
        await self._end(keeper)

    def kill(self) -> None:
        """SIGKILL, now. It is started again, unless `stop` was called."""
        with suppress(OSError):  # it does not run
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def end_earlier(self) -> None:
        """Stop the process of an earlier supervisor, if there is one."""
        descriptor = lock.open_lock(self._pid_file)
        try:
            if await self._adopt(descriptor):
                await self._end(asyncio.create_task(self._ended()))
        finally:
            os.close(descriptor)

    async def _end(self, watching: "asyncio.Task[object]") -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                signal.pidfd_send_signal(self._pidfd, number)
            except OSError:
                watching.cancel()  # nothing runs: it waits before a restart
            if (await asyncio.wait({watching}, timeout=self.part.grace))[0]:
                return

    async def _start_or_adopt(self) -> None:
        descriptor = lock.open_lock(self._pid_file)
        try:
            if await self._adopt(descriptor):
                pid, *fingerprint = self._written(descriptor)
                if fingerprint == [self.part.fingerprint]:
                    self._say(f"{self.part.name} still runs (pid {pid})")
                    return
                self._say(f"{self.part.name} runs with other settings, and is started anew")
                await self._end(asyncio.create_task(self._ended()))
            if self._stopping or not lock.take(descriptor):
                raise BlockingIOError("the earlier process was not to be followed yet")
            self._start(descriptor)
        finally:
            os.close(descriptor)  # the child's copy keeps the lock

    async def _adopt(self, descriptor: int) -> bool:
        """Whether it lives; then it is watched. The lock is asked again: the pid is still its."""
        deadline = time.monotonic() + ADOPTION_SECONDS
        while lock.is_held(descriptor):
            if written := self._written(descriptor):
                with suppress(ProcessLookupError):
                    self._pidfd = os.pidfd_open(int(written[0]))
                    if lock.is_held(descriptor):
                        return True
                    os.close(self._pidfd)
            if time.monotonic() > deadline:
                raise BlockingIOError(f"`{self._pid_file}` is locked by an unknown process")
            await asyncio.sleep(0.01)
        return False

    def _start(self, descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        command = [str(self._listener) if word == LISTENER else word for word in self.part.command]
        inherited = (descriptor, self._listener) if LISTENER in self.part.command else (descriptor,)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        log = os.open(self._log_file, flags, 0o600)
        try:
            started = subprocess.Popen(
                ["/bin/sh", "-c", LAUNCH, str(self._pid_file), self.part.fingerprint, *command],
                env=dict(self.part.environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=inherited,
            )
        finally:
            os.close(log)
        self._pidfd = os.pidfd_open(started.pid)
        started.returncode = 0  # reaped by its pidfd, as adopted ones are watched

    async def _ended(self) -> str:
        loop, dead = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pidfd, dead.set)
        try:
            await dead.wait()
            return _how(self._pidfd)
        finally:
            loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _written(self, descriptor: int) -> list[str]:
        text = os.pread(descriptor, 64, 0).decode()
        return text.split() if text.endswith("\n") else []


def _how(pidfd: int) -> str:
    """Only a parent may ask: how an adopted child ended, nobody can tell."""
    try:
        seen = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return "it was adopted, so nobody knows how"
    if seen is None or seen.si_code == os.CLD_EXITED:
        return f"exit code {seen.si_status}" if seen else "unknown"
    return f"signal {seen.si_status}"
