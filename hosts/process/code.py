"""Unpacking the code archive of a run."""

import tarfile
from pathlib import Path

from perdure.errors import ContainerCreateFailed


def unpack(archive: str, folder: Path) -> None:
    """Unpack a gzipped tar below a folder. Raises `ContainerCreateFailed`.

    Python's `data` filter refuses names and links that lead outside, devices and odd modes.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise ContainerCreateFailed(f"The code could not be unpacked: {error}") from error
