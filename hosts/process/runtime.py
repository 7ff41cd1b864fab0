"""The runtime for a machine without Docker. For trying things out: there is no isolation."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path

from hosts.base import Progress
from hosts.machine import gpu_utilization, gpus, this_machine
from hosts.process import abandoned, account, code, port, python, stray
from hosts.process.environment import (
    argv,
    installer_environment,
    replica_environment,
)
from hosts.process.folder import Folders, Order, Record, ReplicaFolder
from hosts.process.log import follow
from hosts.process.process import ended, signalled
from hosts.process.tree import can_remove, remove_tree
from hosts.process.working_folder import make_working_folder, working_folder
from perdure.errors import ContainerCreateFailed, sentence
from spec.job import Job, JobPhase, JobState
from spec.log import LogBatch
from spec.machine import Machine, RuntimeFacts, RuntimeKind

SHIM = Path(__file__).with_name("shim.py")
SHARED_HOMES = Path("/var/lib/perdure")  # replicas' accounts cannot reach into root's home
UID_CLAIMS = SHARED_HOMES / "uids"  # of all servers of this machine: an account is one replica's
OVERTIME = 15.0  # seconds after a stop's grace in which the shim has killed everything


class ProcessRuntime:
    """Runs each replica as processes of this machine, under an account of its own when we are root.

    Not enforced, as there is no container: limits of CPU, memory and disk. What else it cannot
    honour was refused by name before a job is made. Replicas outlive the process that started them.
    """

    def __init__(
        self,
        root: Path,
        server_id: str,
        *,
        homes: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._server = server_id
        self._environment = os.environ if environment is None else environment
        self._separate = account.separate_accounts()
        shared = SHARED_HOMES / server_id if self._separate else root / "homes"
        self._folders = Folders(root, homes or shared, server_id)

    async def machine(self) -> Machine:
        """The machine's size now."""
        self._create_folders()
        return await asyncio.to_thread(this_machine, RuntimeKind.PROCESS, self._folders.homes)

    async def utilization(self) -> dict[str, int]:
        """See `hosts.base.Runtime`."""
        return await asyncio.to_thread(gpu_utilization)

    async def facts(self) -> RuntimeFacts:
        """The Pythons that a replica can run, and the first port that it can listen on."""
        pythons = await asyncio.to_thread(lambda: self._pythons)
        return RuntimeFacts(pythons=tuple(pythons), first_port=port.first_unprivileged())

    async def pull(self, job: Job, progress: Progress) -> None:
        """Do nothing: there are no images."""

    async def start(self, job: Job) -> JobState:
        """Prepare and start, or find what an earlier call with this token made.

        Raises `RuntimeUnsupported` (no such Python, the port in use) and `ContainerCreateFailed`.
        """
        self._create_folders()
        folder = self._folders.of(job.token)
        async with folder.alone():
            if not folder.is_prepared:
                try:
                    await self._prepare(job, folder)
                except BaseException:
                    await folder.delete()
                    raise
            state = folder.state()
            if state.phase is JobPhase.CREATED:
                await self._launch(job, folder)
                state = folder.state()
            return state

    async def state(self, token: str) -> JobState:
        """What has become of it."""
        return self._folders.of(token).state()

    async def wait(self, token: str) -> JobState:
        """Return when it has exited or is missing."""
        return await ended(self._folders.of(token))

    def follow(self, token: str, cursor: str) -> AsyncGenerator[LogBatch, None]:
        """Every log entry after `cursor`; who asks for the next batch has stored the last one."""
        return follow(self._folders.of(token), cursor)

    async def stop(self, token: str, grace: timedelta) -> JobState:
        """SIGTERM to the replica's group, SIGKILL to all after `grace`, which a repeat may cut."""
        folder = self._folders.of(token)
        if (record := folder.record()) is None:
            return folder.state()
        if folder.state().phase is JobPhase.CREATED:
            async with folder.alone():  # it may be on its way, or never have come further
                if folder.record() is not None and folder.state().phase is JobPhase.CREATED:
                    folder.write("exit.json", {"code": 128 + signal.SIGTERM})
        await self._end(folder, record.uid, grace.total_seconds())
        return await ended(folder)

    async def remove(self, token: str) -> bool:
        """Kill and remove whatever exists under this token; whether there was anything.

        Raises `HostError` when something stays; a repeat goes on with it.
        """
        folder = self._folders.of(token)
        if not folder.control.exists():
            return False
        async with folder.alone():
            record = folder.record()
            if record is not None:
                await self._end(folder, record.uid, 0.0)
            await folder.delete()
            if record is not None and record.uid is not None:
                await asyncio.to_thread(account.release, UID_CLAIMS, record.uid)
        await self._leave_no_homes()
        return record is not None

    async def tokens(self) -> frozenset[str]:
        """The tokens of all jobs of this server, in whatever phase."""
        if not self._folders.root.exists():
            return frozenset()
        return frozenset(
            record.token for _, record in self._folders.all() if record.server == self._server
        )

    async def sweep(self) -> None:
        """Remove what servers left on this machine whose data is gone."""
        if self._separate:
            await abandoned.sweep(SHARED_HOMES)

    async def _leave_no_homes(self) -> None:
        """With the last replica the folder of homes goes: its server may never come back."""
        async with self._folders.claiming():
            if self._folders.homes.exists() and not any(self._folders.all()):
                await abandoned.remove_homes(self._folders.homes)

    @cached_property
    def _pythons(self) -> Mapping[str, str]:
        uid = account.UIDS.start if self._separate else None
        return python.pythons(installer_environment(self._environment), uid)

    @cached_property
    def _has_gpus(self) -> bool:
        return bool(gpus())

    def _create_folders(self) -> None:
        self._folders.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folders.homes.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._folders.homes.chmod(0o711)  # whatever the umask
        abandoned.sign(self._folders.homes, self._folders.root)

    async def _prepare(self, job: Job, folder: ReplicaFolder) -> None:
        """Everything that the replica needs to run, up to the mark that says so."""
        if not can_remove():
            raise ContainerCreateFailed(
                "What a replica leaves could not be removed: there is no `find`.",
                hint="Install `findutils`.",
            )
        interpreter = python.choose(await asyncio.to_thread(lambda: self._pythons), job.python)
        async with self._folders.claiming():
            self._create_folders()  # anew, when the last replica has just taken them along
            uid = await self._claim(job, folder)
        await remove_tree(folder.home)
        await _to_its_end(partial(self._make_home, job, folder))
        installer = installer_environment(self._environment)
        await python.create_environment(folder.venv, interpreter, installer)
        tools = self._folders.homes / "tools" if self._separate else None
        await asyncio.to_thread(python.provide_uv, folder.venv, tools)
        if uid is not None:
            await asyncio.to_thread(account.give, folder.home, uid)
        await asyncio.to_thread(make_working_folder, job, folder, uid)
        folder.mark_prepared()

    async def _claim(self, job: Job, folder: ReplicaFolder) -> int | None:
        port.require_free(job, list(self._folders.all()))
        uid = None
        if self._separate:
            uid = await asyncio.to_thread(account.claim_uid, UID_CLAIMS, folder.control)
        folder.write(
            "job.json", Record(token=job.token, server=self._server, port=job.port, uid=uid)
        )
        return uid

    def _make_home(self, job: Job, folder: ReplicaFolder) -> None:
        folder.home.mkdir(mode=0o700)
        folder.workflow.mkdir()
        folder.temporary.mkdir()
        if job.code is not None:
            code.unpack(job.code, folder.workflow)

    async def _end(self, folder: ReplicaFolder, uid: int | None, grace: float) -> None:
        if folder.state().phase is JobPhase.RUNNING:
            folder.write("stop.json", {"grace": grace})
            signalled(folder, signal.SIGTERM)
            try:
                async with asyncio.timeout(grace + OVERTIME):
                    await ended(folder)
            except TimeoutError:
                signalled(folder, signal.SIGKILL)
                await ended(folder)
        await stray.sweep(folder.mark, uid)

    async def _launch(self, job: Job, folder: ReplicaFolder) -> None:
        record = folder.record()
        order = Order(
            argv=tuple(argv(job)),
            env=replica_environment(job, folder, self._environment, has_gpus=self._has_gpus),
            cwd=str(working_folder(job, folder)),
            code=str(folder.workflow),
            uid=record and record.uid,
        )
        shim = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", str(SHIM), str(folder.control)),
            env={},
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        _, told = await shim.communicate(order.model_dump_json().encode())
        if shim.returncode:
            raise ContainerCreateFailed(
                sentence(
                    f"The replica's process could not be started: {told.decode(errors='replace')}"
                )
            )


async def _to_its_end(work: Callable[[], None]) -> None:
    """Work in a thread. Who is cancelled waits, too: what comes next removes what was made."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.gather(working, return_exceptions=True)
        raise
