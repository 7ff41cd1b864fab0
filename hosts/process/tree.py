"""A tree of files of a replica, which is hostile, and how it goes."""

import asyncio
import os
import shutil
from pathlib import Path

from perdure.errors import HostError, sentence

CHUNK = 2**16  # bytes
TOLD = 2**20  # bytes of complaints that are kept: the first one has a path of any length
SHOWN = 120  # characters of each end of that complaint
HINT = (
    "It is tried again. See what holds it: `lsattr -R` shows files that are immutable, `findmnt` "
    "shows what is mounted there."
)


def can_remove() -> bool:
    """Whether the program is here that trees are removed by."""
    return shutil.which("find") is not None


async def remove_tree(path: Path) -> None:
    """Remove a folder and all in it, however deep; nothing to do where there is nothing.

    Safe for root in a tree that its owner changes meanwhile: no link is followed, and no other file
    system entered. Who is cancelled leaves no process behind, and a smaller tree. Raises
    `HostError` when something stays, such as a file that is immutable or a folder that is mounted.
    """
    place = await asyncio.to_thread(os.path.abspath, path)
    if not await asyncio.to_thread(os.path.lexists, place):
        return
    reason = await _delete(place)
    if await asyncio.to_thread(os.path.lexists, place) and os.geteuid() != 0:
        await _open_folders(place)
        reason = await _delete(place)
    if await asyncio.to_thread(os.path.lexists, place):
        reason = reason or "something was put there meanwhile"
        raise HostError(sentence(f"`{place}` cannot be removed: {reason}"), hint=HINT)


async def _delete(place: str) -> str:
    """Delete what can be, deepest first; the first complaint."""
    # Not by Python: `rmtree` of 3.11 is recursive, later ones hold a descriptor for each level.
    return await _find(place, "-delete")


async def _open_folders(place: str) -> None:
    """Open what a replica that runs as we do has closed to its owner.

    Never by root: `chmod` follows links, and another account could put one there just before.
    """
    chmod = shutil.which("chmod") or "/bin/chmod"
    await _find(place, *("-type", "d", "!", "-perm", "-700", "-execdir", chmod, "700", "{}", ";"))


async def _find(place: str, *arguments: str) -> str:
    find = shutil.which("find")
    if find is None:
        raise HostError(
            f"`{place}` cannot be removed: there is no `find`.", hint="Install `findutils`."
        )
    process = await asyncio.create_subprocess_exec(
        *(find, place, "-xdev", *arguments),
        env={"LC_ALL": "C"},
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        told = b""
        while chunk := await process.stderr.read(CHUNK):  # to its end, or `find` would wait for us
            told += chunk if len(told) < TOLD else b""
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _first_line(told)


def _first_line(told: bytes) -> str:
    """That about the deepest: all folders above it can only say that they are not empty."""
    _, _, line = told.partition(b"\n")[0].decode(errors="replace").partition(": ")  # after `find`
    return line if len(line) <= 2 * SHOWN else f"{line[:SHOWN]}…{line[-SHOWN:]}"
