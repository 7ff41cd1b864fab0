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

from sqlalchemy import delete, insert, select

from perdure.errors import InvalidInput, NoSpace, NotFound, TooLarge, Unavailable
from spec.run import CodeArchive
from store.database import Database
from store.tables import code

MEGABYTE = 1024 * 1024
UNCLAIMED = timedelta(hours=1)
"""A file is in its place before the store knows of it: a younger one is let be."""


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


def too_large(limit: int) -> TooLarge:
    """An archive is over `limit` bytes."""
    return TooLarge(
        f"The code is larger than {limit // MEGABYTE} MB, even when compressed.",
        hint="List data that the service does not need in `.gitignore` or `.dstackignore`.",
    )


class Code:
    """Each project's archives. One project never learns what another one has."""

    def __init__(self, database: Database, blobs: BlobStore, limit: int) -> None:
        """`limit` is the most that the files of an archive may have together, in bytes.

        That many are taken in at most; whoever unpacks them looks at the files.
        """
        self._database = database
        self._blobs = blobs
        self.limit = limit

    async def put(self, project: str, sha256: str, content: AsyncIterable[bytes]) -> CodeArchive:
        """Take in an archive. Raises as `BlobStore.put`."""
        size = await self._blobs.put(sha256, content, self.limit)
        now = self._database.clock()
        row = {"project": project, "sha256": sha256, "size": size, "created_at": now}
        async with self._database.write() as connection:
            await connection.execute(
                delete(code).where(code.c.project == project, code.c.sha256 == sha256)
            )
            await connection.execute(insert(code).values(row))
        return CodeArchive(sha256=sha256, size=size)

    async def find(self, project: str, sha256: str) -> CodeArchive | None:
        """The archive, if this project has it."""
        found = select(code).where(code.c.project == project, code.c.sha256 == sha256)
        async with self._database.read() as connection:
            row = (await connection.execute(found)).first()
        if row is None or not self._blobs.path(sha256).exists():
            return None
        return CodeArchive(sha256=sha256, size=row.size)

    async def path(self, project: str, archive: CodeArchive) -> Path:
        """The archive as a file of this machine. Raises `NotFound`."""
        if await self.find(project, archive.sha256) is None:
            raise NotFound(
                f"The code `{archive.sha256[:12]}` is not in the store.", hint="Apply again."
            )
        return self._blobs.path(archive.sha256)

    async def sweep(self, older: timedelta = UNCLAIMED) -> int:
        """Remove archives of deleted projects, and uploads that broke; how many there were."""
        async with self._database.read() as connection:
            kept = frozenset(await connection.scalars(select(code.c.sha256)))
        return await self._blobs.sweep(kept, older)
