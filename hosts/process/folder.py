"""A replica's two folders: what we keep about it, and what it may use itself.

The first is ours alone. The second belongs to the replica's account, which must be able to reach
it, so for a server of root it lies outside of root's home.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from hosts.process.tree import remove_tree
from perdure import lock
from spec.job import JobPhase, JobState
from spec.public import Model

BUSY = "busy"
BUSY_POLL = 0.05  # seconds between two attempts to be the only one


class Record(Model):
    """Whose folder it is, and what it has claimed of the machine."""

    token: str
    server: str
    port: int
    uid: int | None


class Order(Model):
    """What the shim is told, through a pipe: `env` holds secrets, which no file may hold.

    The replica starts in `cwd`, which has to be in `code` when all links are followed.
    """

    argv: tuple[str, ...]
    env: dict[str, str] = Field(repr=False)
    cwd: str
    code: str
    uid: int | None


@dataclass(frozen=True)
class ReplicaFolder:
    """`control` is ours, `home` is the replica's."""

    control: Path
    home: Path

    @property
    def mark(self) -> str:
        """A name for the token that is short and fits in a path."""
        return self.control.name

    @property
    def workflow(self) -> Path:
        """The replica's code: what `/workflow` is in a container."""
        return self.home / "workflow"

    @property
    def venv(self) -> Path:
        """The replica's Python."""
        return self.home / "venv"

    @property
    def temporary(self) -> Path:
        """The replica's `TMPDIR`."""
        return self.home / "tmp"

    @property
    def is_prepared(self) -> bool:
        """Whether all is there that the replica needs to run."""
        return self._prepared.exists()

    def mark_prepared(self) -> None:
        """Say that all is there. A start that was cut short after it only launches."""
        self._prepared.touch(0o600)

    @property
    def _prepared(self) -> Path:
        return self.control / "prepared"

    @property
    def has_ended(self) -> bool:
        """Whether the replica ended, with its exit code and all of its log written."""
        return (self.control / "exit.json").exists()

    def record(self) -> Record | None:
        """Whose folder it is; None before anybody's, and when it is gone."""
        try:
            return Record.model_validate_json((self.control / "job.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None

    def pid(self) -> int | None:
        """The shim's pid, alive or not; None before it ran."""
        return _number(self.control / "pid.json", "pid")

    @property
    def is_alive(self) -> bool:
        """Whether the shim lives."""
        return lock.is_file_held(self.control / "lock")

    def state(self) -> JobState:
        """What the files tell. A shim that was killed leaves no exit code: 137, as SIGKILL's."""
        record = self.record()
        if record is None:
            return JobState(phase=JobPhase.MISSING)
        alive, ran = self.is_alive, self.pid() is not None  # asked before the exit code is
        code = _number(self.control / "exit.json", "code")
        if code is not None:
            return JobState(phase=JobPhase.EXITED, exit_code=code)
        if not ran:
            return JobState(phase=JobPhase.CREATED)
        if not alive:
            return JobState(phase=JobPhase.EXITED, exit_code=137)
        return JobState(phase=JobPhase.RUNNING, address=f"tcp://127.0.0.1:{record.port}")

    def write(self, name: str, value: Model | dict[str, float]) -> None:
        """Write one of our files, whole or not at all."""
        text = value.model_dump_json() if isinstance(value, Model) else json.dumps(value)
        new = self.control / f".{name}.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.control / name)

    async def delete(self) -> None:
        """Remove both folders; what we know about it goes last, so that it can be done again.

        Raises `HostError` when something of the replica's cannot be removed.
        """
        await remove_tree(self.home)
        keep = ("job.json", BUSY)
        for name in (
            *(path.name for path in self.control.iterdir() if path.name not in keep),
            *keep,
        ):
            (self.control / name).unlink(missing_ok=True)
        self.control.rmdir()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one, over all processes, who changes this folder; it exists meanwhile."""
        async with _alone(self.control / BUSY):
            yield


@dataclass(frozen=True)
class Folders:
    """All replicas' folders: `root` is ours, `homes` can be reached by the replicas' accounts."""

    root: Path
    homes: Path
    server: str

    def of(self, token: str) -> ReplicaFolder:
        """The folders of a token of this server, there or not."""
        return self._named(hashlib.sha256(f"{self.server}/{token}".encode()).hexdigest()[:20])

    def all(self) -> Iterator[tuple[ReplicaFolder, Record]]:
        """Every folder that is somebody's, of other servers too, with whose it is."""
        for path in self.root.iterdir():
            folder = self._named(path.name)
            if (record := folder.record()) is not None:
                yield folder, record

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[None]:
        """Be the only one, over all processes, who claims ports and accounts."""
        async with _alone(self.root / "claims"):
            yield

    def _named(self, name: str) -> ReplicaFolder:
        return ReplicaFolder(self.root / name, self.homes / name)


def _number(path: Path, key: str) -> int | None:
    try:
        return int(json.loads(path.read_bytes())[key])
    except (FileNotFoundError, NotADirectoryError):
        return None


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    while True:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            descriptor = lock.open_lock(path)
        except FileNotFoundError:
            continue  # the folder was removed just now
        try:
            if lock.take(descriptor) and _is_still(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)
        await asyncio.sleep(BUSY_POLL)


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
