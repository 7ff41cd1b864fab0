"""Unpacking the code archive of a run."""

import copy
import os
import tarfile
from pathlib import Path

from hosts.archive import opened
from spec.job import JobCode


def unpack(code: JobCode, folder: Path) -> None:
    """Unpack the code below a folder. Raises `ContainerCreateFailed`.

    Names and links that lead outside are refused, and devices; odd modes are put right.
    """
    with opened(code) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
            return
        root = os.path.realpath(folder)
        for member in tar:
            tar.extract(_checked(member, root), root)


def _checked(given: tarfile.TarInfo, root: str) -> tarfile.TarInfo:
    """The rules of Python's `data` filter, which came with 3.11.4 (Debian 12 has 3.11.2).

    One is stricter: nothing is unpacked through a link, not even one that stays inside.
    """
    member = copy.copy(given)
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise tarfile.TarError(f"`{member.name}` is neither a file, a folder nor a link.")
    place = os.path.normpath(os.path.join(root, member.name.lstrip("/")))
    if not _is_inside(place, root) or os.path.realpath(place) != place:
        raise tarfile.TarError(f"`{member.name}` would be put outside, or through a link.")
    member.name = os.path.relpath(place, root)
    if member.issym():
        _check_link(member, os.path.join(os.path.dirname(place), member.linkname), root)
    elif member.islnk():
        target = os.path.join(root, member.linkname)
        _check_link(member, target, root)
        if os.path.islink(target) or not os.path.isfile(target):
            raise tarfile.TarError(f"`{member.name}` is a hard link to what is not a file.")
    member.mode = 0o755 if member.isdir() else _mode(member.mode)
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    return member


def _check_link(member: tarfile.TarInfo, target: str, root: str) -> None:
    if os.path.isabs(member.linkname) or not _is_inside(os.path.realpath(target), root):
        raise tarfile.TarError(f"`{member.name}` is a link to `{member.linkname}`, outside.")


def _is_inside(path: str, root: str) -> bool:
    return os.path.commonpath([path, root]) == root


def _mode(mode: int) -> int:
    """A file's, which its owner can read and write, and others at most read."""
    return mode & (0o755 if mode & 0o100 else 0o644) | 0o600
