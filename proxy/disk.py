"""The last good table and tokens on disk: a proxy restarts with Temporal and the API down."""

import asyncio
import logging
import os
from pathlib import Path

from pydantic import ValidationError

from proxy.plane import Plane
from spec.route import RouteFile

SAVE_SECONDS = 0.5
"""At most so much is lost when the machine goes down; a burst of changes is one write."""

logger = logging.getLogger(__name__)


class LastGood:
    """One file, in the format of `--routes`. It holds hashes of tokens, so it is its owner's."""

    def __init__(self, path: Path, plane: Plane) -> None:
        self._path = path
        self._plane = plane
        self._saved: RouteFile | None = None

    def load(self) -> bool:
        """Take in what the last process knew; False when there is nothing that can be used."""
        try:
            file = RouteFile.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return False
        except (OSError, ValidationError) as error:
            logger.warning("The last good table `%s` cannot be used: %s", self._path, error)
            return False
        self._plane.tokens.replace(file.tokens)
        self._plane.table.replace(file.routes)
        self._saved = file
        return True

    async def keep(self) -> None:
        """Save whatever changes, for ever."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await self.save()

    async def save(self) -> None:
        """Write it, unless it is written. A full disk is logged, and tried again."""
        plane = self._plane
        file = RouteFile(tokens=plane.tokens.grants(), routes=plane.table.routes())
        if file == self._saved:
            return
        try:
            await asyncio.to_thread(self._write, file)
        except OSError as error:
            logger.error("The last good table cannot be written to `%s`: %s", self._path, error)
        else:
            self._saved = file

    def _write(self, file: RouteFile) -> None:
        fresh = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.write(file.model_dump_json().encode())
            target.flush()
            os.fsync(descriptor)
        fresh.replace(self._path)
