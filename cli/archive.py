"""The code archive: a repository in one gzipped tar, the same bytes for the same content."""

import gzip
import hashlib
import io
import os
import posixpath
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cli.repository import DSTACK_IGNORE, LocalRepository
from cli.units import describe_size
from perdure.errors import InvalidInput, TooLarge

MEGABYTE = 1024 * 1024
CONFIGURATIONS = (".dstack.yml", ".dstack.yaml")
"""Files of these names, or that end so, describe services: what runs does not change with them."""
NAMED_FILES = 5
"""How many of the largest files an error about the size names."""


@dataclass(frozen=True)
class Archive:
    """A packed repository, open for reading. `size` in bytes, `files` counts what is in it.

    `identity` is a hash of the contents but for the files that describe services.
    """

    content: BinaryIO
    sha256: str
    size: int
    files: int
    identity: str


@contextmanager
def packed(
    repository: LocalRepository, limit_mb: int, described_by: Path | None = None
) -> Iterator[Archive]:
    """Pack the repository into a temporary file, which is gone afterwards.

    `described_by` is the service's own file. It does not count as code, and neither do those with
    the usual names, whichever of them is applied: they are packed, and no part of the identity.
    `limit_mb` is the most that the files may have together, in MB before compression. Raises
    `TooLarge` with the largest ones, and `InvalidInput` for what cannot travel: a link that leads
    out, a file that cannot be read.
    """
    paths = repository.files()
    check_size(repository.root, paths, limit_mb)
    root = os.path.realpath(repository.root)
    description = described_by and os.path.relpath(os.path.realpath(described_by), root)
    identity = hashlib.sha256()
    with tempfile.TemporaryFile() as content:
        # The name and the time in gzip's header would differ from one packing to the next.
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=content, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in paths:
                digest = _add(tar, repository.root, path)
                if path != description and not path.endswith(CONFIGURATIONS):
                    identity.update(f"{path}\0{digest}\n".encode())
        size = content.tell()
        content.seek(0)
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        yield Archive(content, digest, size, len(paths), identity.hexdigest())


def check_size(root: Path, paths: list[str], limit_mb: int) -> None:
    """Raise `TooLarge`, naming the largest files, when they have more than `limit_mb` together."""
    sizes = {path: (root / path).lstat().st_size for path in paths}
    total = sum(sizes.values())
    if total <= limit_mb * MEGABYTE:
        return
    largest = sorted(sizes, key=lambda path: sizes[path], reverse=True)[:NAMED_FILES]
    lines = "\n".join(f"  {describe_size(sizes[path])}  {path}" for path in largest)
    raise TooLarge(
        f"The code in `{root}` has {describe_size(total)}, and {limit_mb} MB is the limit. "
        f"The largest files:\n{lines}",
        hint=f"Name what the service does not need in `.gitignore` or `{DSTACK_IGNORE}`, "
        "or apply with `--no-repo`.",
    )


def _add(tar: tarfile.TarFile, root: Path, path: str) -> str:
    """Pack one entry; a hash of what it is."""
    entry = tarfile.TarInfo(path)
    full = root / path
    try:
        mode = full.lstat().st_mode
        if stat.S_ISLNK(mode):
            entry.type = tarfile.SYMTYPE
            entry.linkname = _inner_target(root, path)
            entry.mode = 0o777
            tar.addfile(entry)
            return f"link {entry.linkname}"
        data = full.read_bytes()
        entry.size = len(data)
        entry.mode = 0o755 if mode & stat.S_IXUSR else 0o644
        tar.addfile(entry, io.BytesIO(data))
        return f"{entry.mode:o} {hashlib.sha256(data).hexdigest()}"
    except OSError as error:
        raise _cannot_travel(path, f"cannot be read: {(error.strerror or '').lower()}") from error


def _inner_target(root: Path, path: str) -> str:
    target = os.readlink(root / path)
    landing = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if posixpath.isabs(target) or landing == ".." or landing.startswith("../"):
        raise _cannot_travel(path, f"is a link to `{target}`, outside the repository")
    return target


def _cannot_travel(path: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"`{path}` {reason}.",
        hint=f"Leave it out by a line in `.gitignore` or `{DSTACK_IGNORE}`.",
    )
