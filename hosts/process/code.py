"""Unpacking the code archive of a run."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from tarfile import TarInfo

from hosts.archive import MEMBERS, Content, members, refused
from spec.job import JobCode

DEEPEST = (
    100  # folders in folders; Python walks and removes a tree by recursion, 1,000 steps at most
)
LATEST = 2**32 - 1  # seconds; no file system has less


def unpack(code: JobCode, folder: Path) -> None:
    """Unpack the code into a folder that exists. Raises `ContainerCreateFailed`.

    Names and links that lead outside are refused, and all that `hosts.archive` refuses; odd
    modes are put right. The folder is removed when it fails.
    """
    tree = _Tree(os.path.realpath(folder))
    try:
        for member, content in members(code):
            tree.add(member, content)
    except BaseException as error:
        shutil.rmtree(folder)
        if isinstance(error, OSError | ValueError):
            raise refused(error) from error
        raise


class _Tree:
    """What is unpacked so far. No link is ever followed, and none can leave, in whatever order.

    Every folder on the way to a member is a real one, and stays one. So a link, which has `..` only
    at its beginning and not more often than it lies deep, ends in the tree: what comes after is a
    way down, over folders and links of which the same is true.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders = 0

    def add(self, member: TarInfo, content: Content) -> None:
        """Make a member. It replaces an earlier one of its name, unless that is a folder."""
        parts = _parts(member.name)
        if member.isdir():
            self._folder(parts)
            return
        place = os.path.join(self._folder(parts[:-1]), *parts[-1:])
        with suppress(FileNotFoundError):
            os.unlink(place)
        if member.issym():
            os.symlink(_target(member, depth=len(parts) - 1), place)
        elif member.islnk():
            os.link(self._file(member), place, follow_symlinks=False)
        else:
            _write(place, member, content)

    def _folder(self, parts: list[str]) -> str:
        """The place of a folder, made when it is not there."""
        place = self._root
        for part in parts:
            place = os.path.join(place, part)
            try:
                os.mkdir(place, 0o755)
            except FileExistsError:
                if not stat.S_ISDIR(os.lstat(place).st_mode):
                    raise refused(f"`{'/'.join(parts)}` would be put through a link.") from None
            else:
                self._folders += 1
            if self._folders > MEMBERS:
                raise refused(f"It has more than {MEMBERS:,} folders.")
        return place

    def _file(self, member: TarInfo) -> str:
        """The file that a hard link is another name of."""
        *folders, name = _parts(member.linkname)
        file = os.path.join(self._folder(folders), name)
        if not stat.S_ISREG(os.lstat(file).st_mode):
            raise refused(f"`{member.name}` is a hard link to what is not a file.")
        return file


def _parts(name: str) -> list[str]:
    """The names on the way from the root; an absolute name is below it, too."""
    parts = [part for part in os.path.normpath(name.lstrip("/")).split("/") if part != "."]
    if ".." in parts:
        raise refused(f"`{name}` would be put outside.")
    if len(parts) > DEEPEST:
        raise refused(f"`{name[:50]}…` is more than {DEEPEST} folders deep.")
    return parts


def _target(member: TarInfo, depth: int) -> str:
    """Where a link leads, without detours: over another link, `..` would be somewhere else."""
    target = os.path.normpath(member.linkname)
    if target.startswith("/") or target.split("/").count("..") > depth:
        raise refused(f"`{member.name}` is a link to `{member.linkname}`, outside.")
    return target


def _write(place: str, member: TarInfo, content: Content) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        content.copy(member.size, file)
        file.flush()
        os.fchmod(descriptor, _mode(member.mode))
        os.utime(descriptor, (when := min(max(0, member.mtime), LATEST), when))


def _mode(mode: int) -> int:
    """A file's, which its owner can read and write, and others at most read."""
    return mode & (0o755 if mode & 0o100 else 0o644) | 0o600
