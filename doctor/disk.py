"""The data directory: whose it is, who may read its keys, and how full its disk is."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perdure.keys import Purpose, read_master_keys, read_secret
from perdure.settings import Settings
from spec.finding import Finding, fine, problem, warning

LEAST_BYTES, FEW_BYTES = 256 << 20, 2 << 30
"""Below the first `perdure server` does not start; below the second an image fills the disk."""
LEAST_INODES = 10_000


@dataclass(frozen=True)
class File:
    """A file or a folder, as its owner and mode say."""

    path: Path
    uid: int
    mode: int


@dataclass(frozen=True)
class Permissions:
    """`missing` are keys that are not there; `me` is who looks."""

    me: int
    root: File | None
    keys: tuple[File, ...]
    missing: tuple[Path, ...]


async def look_at_permissions(settings: Settings) -> Permissions:
    """Ask the file system."""
    data = settings.data
    wanted = [settings.master_key_path, data.internal_key]
    others = (data.admin_token, data.keys / "tunnels")
    present = [path for path in (*wanted, *others) if path.exists()]
    return Permissions(
        me=os.geteuid(),
        root=_file(data.root) if data.root.is_dir() else None,
        keys=tuple(map(_file, present)),
        missing=tuple(path for path in wanted if path not in present),
    )


def judge_permissions(seen: Permissions) -> Iterator[Finding]:
    """All is its owner's, and nobody else's."""
    if seen.root is None:
        yield problem(
            "There is no data directory.",
            "Start `perdure server`, or name the directory by `--data-dir`.",
        )
        return
    wrong = [
        *_wrong(seen.root, 0o700),
        *(each for file in seen.keys for each in _wrong(file, 0o600)),
    ]
    yield from wrong
    for path in seen.missing:
        yield problem(
            f"`{path}` is missing.",
            "Restore it from the backup: nothing that it protects can be read without it.",
        )
    if not wrong and not seen.missing:
        yield fine(f"`{seen.root.path}` and its keys are their owner's alone.")


def _wrong(file: File, most: int) -> Iterator[Finding]:
    if file.mode & ~most & 0o777:
        yield problem(
            f"`{file.path}` can be used by others (mode {file.mode:04o}).",
            f"Run `chmod {most:o} {file.path}`; if others had access to this machine, replace what "
            "it holds.",
        )


def _file(path: Path) -> File:
    seen = path.stat()
    return File(path, seen.st_uid, stat.S_IMODE(seen.st_mode))


@dataclass(frozen=True)
class Keys:
    """The check that this directory has of its master key, and those of the keys that are there."""

    path: Path
    expected: str
    found: tuple[str, ...]


async def look_at_keys(settings: Settings) -> Keys:
    """Read the key, as our processes do. Raises `CannotStart`."""
    begun = settings.data.master_key_check
    return Keys(
        path=settings.master_key_path,
        expected=read_secret(begun, "check of the master key").decode().strip(),
        found=tuple(
            key.subkey(Purpose.CHECK).hex() for key in read_master_keys(settings.master_key_path)
        ),
    )


def judge_keys(seen: Keys) -> Iterator[Finding]:
    """The key is that of the directory, or an older one that is still beside the newest."""
    if seen.expected in seen.found:
        yield fine("The master key is that of this data directory.")
    else:
        yield problem(
            f"The master key `{seen.path}` is not that of this data directory.",
            "Restore the right one from the backup: another one cannot read what was sealed.",
        )


@dataclass(frozen=True)
class Space:
    """Of the data directory's disk. `inodes` is None where the file system has no such number."""

    path: Path
    free: int
    total: int
    inodes: int | None


async def look_at_space(settings: Settings) -> Space:
    """Ask the file system."""
    root = settings.data.root
    usage, more = shutil.disk_usage(root), os.statvfs(root)
    inodes = more.f_favail if more.f_files else None
    return Space(root, usage.free, usage.total, inodes)


def judge_space(seen: Space) -> Iterator[Finding]:
    """There is room for what comes."""
    told = f"{seen.free / (1 << 30):.1f} of {seen.total / (1 << 30):.0f} GB"
    remedy = f"Free some space on the disk of `{seen.path}`, or move the data directory."
    if seen.free < LEAST_BYTES:
        yield problem(f"The disk is full: {told} are free.", remedy)
    elif seen.free < FEW_BYTES:
        yield warning(f"The disk is nearly full: {told} are free.", remedy)
    else:
        yield fine(f"{told} of the disk are free.")
    if seen.inodes is not None and seen.inodes < LEAST_INODES:
        yield problem(
            f"The disk takes only {seen.inodes} more files (inodes).",
            f"Remove small files from the disk of `{seen.path}`; `df -i` shows where they are few.",
        )
