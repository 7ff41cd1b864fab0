"""A fixed table in a file, read again on SIGHUP and when it changes. A bad file changes nothing."""

import asyncio
import logging
from pathlib import Path

from pydantic import ValidationError

from perdure.errors import CannotStart, sentence
from proxy.plane import Plane
from proxy.state import State
from spec.route import RouteFile

LOOK_SECONDS = 0.5
"""A drill's change is in effect within this."""

logger = logging.getLogger(__name__)


class RouteFileSource:
    """Feeds the plane from `path`."""

    def __init__(self, path: Path, plane: Plane, state: State) -> None:
        self._path = path
        self._plane = plane
        self._state = state
        self._seen: tuple[int, int, int] | None = None

    def load(self) -> None:
        """The first time. Raises `CannotStart` when the file cannot be used."""
        try:
            self._read()
        except (OSError, ValidationError) as error:
            raise CannotStart(
                sentence(f"The route file `{self._path}` cannot be used: {error}"),
                hint="Its format is that of `spec/route.py`: `RouteFile`.",
            ) from error

    def reload(self) -> None:
        """Once more; the old table stays when the file cannot be used."""
        try:
            self._read()
        except (OSError, ValidationError) as error:
            logger.error(
                "The route file stays as it was, `%s` cannot be used: %s", self._path, error
            )
        else:
            logger.info("The route file was read again")

    async def run(self) -> None:
        """Read it whenever it changes, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._stamp() != self._seen:
                self.reload()

    def _read(self) -> None:
        self._seen = self._stamp()
        file = RouteFile.model_validate_json(self._path.read_bytes())
        self._plane.tokens.replace(file.tokens)
        self._plane.table.replace(file.routes)
        self._state.table_known = self._state.tokens_known = True

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
