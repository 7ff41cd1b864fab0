"""A runtime whose containers are listening sockets of the test's own process."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import timedelta

from hosts.base import Progress
from perdure.errors import PerdureError
from spec.job import Job, JobPhase, JobState, PullProgress
from spec.log import LogBatch, LogEntry, LogStream
from spec.machine import CpuArch, Gpu, GpuVendor, Machine, RuntimeFacts, RuntimeKind


@dataclass
class Container:
    """One job: a server that accepts connections, until it is ended."""

    job: Job
    server: asyncio.Server
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    exit_code: int | None = None
    out_of_memory: bool = False

    @property
    def state(self) -> JobState:
        host, port = self.server.sockets[0].getsockname()[:2] if self.server.sockets else ("", 0)
        if self.ended.is_set():
            return JobState(
                phase=JobPhase.EXITED,
                exit_code=self.exit_code,
                out_of_memory=self.out_of_memory,
            )
        return JobState(phase=JobPhase.RUNNING, address=f"tcp://{host}:{port}")

    def end(self, exit_code: int) -> None:
        if not self.ended.is_set():
            self.exit_code = exit_code
            self.server.close()
            self.ended.set()


class SocketRuntime:
    """All containers by token, and what tests let go wrong."""

    def __init__(self) -> None:
        self.containers: dict[str, Container] = {}
        self.started: list[str] = []
        self.stopped: list[tuple[str, float]] = []
        self.faults: dict[str, list[PerdureError]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.gpus: tuple[Gpu, ...] = ()
        self.utilized: dict[str, int] = {}
        """Percent by GPU."""
        self.is_deaf = False
        """Whether applications hear nothing of SIGTERM."""
        self.status: int | None = None
        """With what all containers answer HTTP; None: they hang up."""

    def fail(self, step: str, error: PerdureError) -> None:
        """Let the next call of `step` fail so."""
        self.faults.setdefault(step, []).append(error)

    def hold(self, step: str) -> asyncio.Event:
        """Let calls of `step` wait until the event is set."""
        return self.gates.setdefault(step, asyncio.Event())

    async def _reach(self, step: str) -> None:
        if step in self.gates:
            await self.gates[step].wait()
        if self.faults.get(step):
            raise self.faults[step].pop(0)

    async def machine(self) -> Machine:
        return Machine(
            runtime=RuntimeKind.DOCKER,
            cpu_arch=CpuArch.X86,
            cpus=4,
            memory=16,
            disk=200,
            gpus=self.gpus,
        )

    async def utilization(self) -> dict[str, int]:
        return dict(self.utilized)

    async def facts(self) -> RuntimeFacts:
        return RuntimeFacts()

    async def pull(self, job: Job, progress: Progress) -> None:
        progress(PullProgress(done=1, total=1))
        await self._reach("pull")

    async def start(self, job: Job) -> JobState:
        await self._reach("start")
        if job.token not in self.containers:
            server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.containers[job.token] = Container(job, server)
            self.started.append(job.token)
        return self.containers[job.token].state

    async def state(self, token: str) -> JobState:
        found = self.containers.get(token)
        return found.state if found else JobState(phase=JobPhase.MISSING)

    async def wait(self, token: str) -> JobState:
        found = self.containers.get(token)
        if found is not None:
            await found.ended.wait()
        return await self.state(token)

    async def follow(self, token: str, cursor: str) -> AsyncGenerator[LogBatch, None]:
        found = self.containers.get(token)
        if found is None or cursor == "end":
            return
        if cursor != "begun":
            line = LogEntry(at=1, stream=LogStream.STDOUT, text=b"hello")
            yield LogBatch(entries=(line,), cursor="begun")
        await found.ended.wait()
        yield LogBatch(entries=(), cursor="end")

    async def stop(self, token: str, grace: timedelta) -> JobState:
        await self._reach("stop")
        self.stopped.append((token, grace.total_seconds()))
        found = self.containers.get(token)
        if found is not None:
            if self.is_deaf:
                await _ended(found, grace)
            found.end(143)
        return await self.state(token)

    async def remove(self, token: str) -> bool:
        await self._reach("remove")
        found = self.containers.pop(token, None)
        if found is not None:
            found.end(137)
        return found is not None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.status is not None:
            with contextlib.suppress(asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 %d x\r\ncontent-length: 0\r\n\r\n" % self.status)
        writer.close()

    async def tokens(self) -> frozenset[str]:
        return frozenset(self.containers)


def fake_gpus(count: int) -> tuple[Gpu, ...]:
    """GPUs of a machine that has none."""
    return tuple(
        Gpu(id=f"GPU-{number}", vendor=GpuVendor.NVIDIA, name="A100", memory=80)
        for number in range(count)
    )


async def _ended(container: Container, grace: timedelta) -> None:
    """Wait as long as SIGKILL does."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(container.ended.wait(), grace.total_seconds())
