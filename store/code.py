"""Code archives: files named by the SHA-256 of their content, and which project has which."""

import asyncio
import errno
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Select, delete, func, select, update

from perdure.errors import InvalidInput, NoSpace, NotFound, TooLarge, Unavailable
from spec.audit import Action
from spec.run_spec import CodeArchive
from store.audit import Author, Entry, note
from store.database import Database
from store.living import require_living
from store.locks import Lock
from store.tables import code
from store.upsert import upsert

MEGABYTE = 1024 * 1024
UNCLAIMED = timedelta(hours=1)
"""Code is sent, and then applied; a file is in its place before the store knows of it. What is
younger is let be."""


class BlobStore(Protocol):
    """Keeps bytes by the SHA-256 (hex) of their content."""

    async def put(self, sha256: str, content: AsyncIterable[bytes], limit: int) -> int:
        """Keep the content, whole or not at all; its size in bytes.

        Raises `InvalidInput` when it is not what the hash says, `TooLarge` over `limit` bytes,
        `NoSpace` and `Unavailable`.
        """
        ...

    def path(self, sha256: str) -> Path:
        """A file of this machine with the content, for as long as the store has it."""
        ...

    async def sweep(self, kept: Collection[str], older: timedelta) -> int:
        """Remove what is not among `kept` and was written longer ago; how many there were."""
        ...


class FolderBlobs:
    """A folder with a file per blob."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, sha256: str, content: AsyncIterable[bytes], limit: int) -> int:
        """As `BlobStore.put`: written beside its place, and moved there when it is complete."""
        draft = self._folder / f".{sha256}.{secrets.token_hex(4)}"
        seen, size = hashlib.sha256(), 0
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                async for piece in content:
                    size += len(piece)
                    if size > limit:
                        raise too_large(limit)
                    seen.update(piece)
                    await asyncio.to_thread(file.write, piece)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            if seen.hexdigest() != sha256:
                raise InvalidInput(
                    "The archive is not the one that its name says: it changed on the way.",
                    hint="Send it again.",
                )
            draft.replace(self.path(sha256))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace(
                    "The code cannot be kept: the disk of the server is full.",
                    hint="Free some space on the machine of the server, then apply again.",
                ) from error
            raise Unavailable(
                f"The code cannot be kept: {(error.strerror or str(error)).lower()}.",
                hint="Can the server's data directory be written? Its log says more.",
            ) from error
        finally:
            draft.unlink(missing_ok=True)
        return size

    def path(self, sha256: str) -> Path:
        """The file, whether it exists or not."""
        return self._folder / sha256

    async def sweep(self, kept: Collection[str], older: timedelta) -> int:
        """As `BlobStore.sweep`; drafts that a killed process left are among them."""
        return await asyncio.to_thread(self._sweep, kept, time.time() - older.total_seconds())

    def _sweep(self, kept: Collection[str], before: float) -> int:
        gone = [
            file
            for file in self._folder.iterdir()
            if file.name not in kept and file.stat().st_mtime < before
        ]
        for file in gone:
            file.unlink(missing_ok=True)
        return len(gone)


Archive = tuple[str, str]
"""A project, and the SHA-256 (hex) of an archive of its own."""


def too_large(limit: int) -> TooLarge:
    """An archive is over `limit` bytes."""
    return TooLarge(
        f"The code is larger than {limit // MEGABYTE} MB, even when compressed.",
        hint="List data that the service does not need in `.gitignore` or `.dstackignore`.",
    )


class Code:
    """Each project's archives. One project never learns what another one has."""

    def __init__(self, database: Database, blobs: BlobStore, *, limit: int, quota: int) -> None:
        """`limit` is the most that the files of an archive may have together, in bytes.

        That many are taken in at most; whoever unpacks them looks at the files. `quota` is for all
        archives of one project together, as they were sent.
        """
        self._database = database
        self._blobs = blobs
        self._quota = quota
        self.limit = limit

    async def put(
        self,
        project: str,
        sha256: str,
        content: AsyncIterable[bytes],
        *,
        by: Author | None = None,
    ) -> CodeArchive:
        """Take in an archive. Raises as `BlobStore.put`, `TooLarge` over the quota, `NotFound`."""
        room = self._quota - await self._used(project, sha256)
        if room <= 0:
            raise _over_quota(project, self._quota)
        try:
            size = await self._blobs.put(sha256, content, min(self.limit, room))
        except TooLarge as error:
            raise (
                too_large(self.limit) if room > self.limit else _over_quota(project, self._quota)
            ) from error
        now = self._database.clock()
        row = {"project": project, "sha256": sha256, "size": size, "created_at": now}
        locks = (Lock.CODE.of(project), Lock.PROJECT.of(project))
        async with self._database.write(*locks) as connection:
            await require_living(connection, project)
            # Others may have sent theirs meanwhile. A file that nobody claims is swept.
            if int(await connection.scalar(_size(project, sha256)) or 0) + size > self._quota:
                raise _over_quota(project, self._quota)
            await upsert(connection, code, row)
            await note(
                connection, now, by, Entry(Action.CODE_UPLOAD, f"{project}/{sha256}", project)
            )
        return CodeArchive(sha256=sha256, size=size)

    async def find(self, project: str, sha256: str) -> CodeArchive | None:
        """The archive, if this project has it."""
        found = select(code).where(code.c.project == project, code.c.sha256 == sha256)
        async with self._database.read() as connection:
            row = (await connection.execute(found)).first()
        if row is None or not self._blobs.path(sha256).exists():
            return None
        return CodeArchive(sha256=sha256, size=row.size)

    async def ask(self, project: str, sha256: str) -> CodeArchive | None:
        """As `find`, by somebody who is about to use it: it stays for an hour at least."""
        async with self._database.write() as connection:
            await connection.execute(
                update(code)
                .where(code.c.project == project, code.c.sha256 == sha256)
                .values(created_at=self._database.clock())
            )
        return await self.find(project, sha256)

    async def path(self, project: str, archive: CodeArchive) -> Path:
        """The archive as a file of this machine. Raises `NotFound`."""
        if await self.find(project, archive.sha256) is None:
            raise NotFound(
                f"The code `{archive.sha256[:12]}` is not in the store.", hint="Apply again."
            )
        return self._blobs.path(archive.sha256)

    async def unclaimed(self, older: timedelta = UNCLAIMED) -> frozenset[Archive]:
        """The archives that nobody who is about to apply has sent or asked for since."""
        old = code.c.created_at < self._database.clock() - older
        async with self._database.read() as connection:
            rows = await connection.execute(select(code.c.project, code.c.sha256).where(old))
            return frozenset((row.project, row.sha256) for row in rows)

    async def drop(self, archives: Collection[Archive], older: timedelta = UNCLAIMED) -> int:
        """Forget these; how many there were. Those that were claimed since stay."""
        old, gone = code.c.created_at < self._database.clock() - older, 0
        async with self._database.write() as connection:
            for project, sha256 in archives:
                mine = (code.c.project == project, code.c.sha256 == sha256)
                gone += (await connection.execute(delete(code).where(*mine, old))).rowcount
        return gone

    async def sweep(self, older: timedelta = UNCLAIMED) -> int:
        """Remove files that no project has, and uploads that broke; how many there were."""
        async with self._database.read() as connection:
            kept = frozenset(await connection.scalars(select(code.c.sha256)))
        return await self._blobs.sweep(kept, older)

    async def _used(self, project: str, but: str) -> int:
        async with self._database.read() as connection:
            return int(await connection.scalar(_size(project, but)) or 0)


def _size(project: str, but: str) -> Select[tuple[int]]:
    """Bytes of a project's archives, but for one that is replaced."""
    others = (code.c.project == project, code.c.sha256 != but)
    return select(func.coalesce(func.sum(code.c.size), 0)).where(*others)


def _over_quota(project: str, quota: int) -> TooLarge:
    return TooLarge(
        f"The project `{project}` would have more than {quota // MEGABYTE} MB of code here.",
        hint="Code that no living run uses goes one hour after it was sent: stop a run, or wait; "
        "an operator may raise `PERDURE_CODE_QUOTA_MB`.",
    )
