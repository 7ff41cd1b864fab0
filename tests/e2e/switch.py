"""A folder by which a test tells applications what to do, whatever account or container is theirs.

They look for files in it, which are there or not.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FAILS, OPEN, SICK = "fails", "open", "sick"


@dataclass(frozen=True)
class Switch:
    """`folder` has the same path everywhere: `volume` brings it into a container."""

    folder: Path

    @property
    def volume(self) -> str:
        """For `volumes` of a service."""
        return f"{self.folder}:{self.folder}"

    def on(self, name: str) -> None:
        """From now on the file is there."""
        (self.folder / name).touch()

    def off(self, name: str) -> None:
        """From now on it is not."""
        (self.folder / name).unlink(missing_ok=True)


@contextmanager
def switch() -> Iterator[Switch]:
    """One that is open to every account, as pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="pd-switch-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield Switch(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
