"""What a replica's account left on the machine outside of its own folder, for nobody to find."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

from perdure.errors import ContainerCreateFailed

# Where any account may put files, on the Linux distributions that we know; semaphores and message
# queues of POSIX are files, too.
SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")  # noqa: S108 - not for us
# System V's shared memory, semaphores and message queues: the kernel's list of each.
SYSVIPC = Path("/proc/sysvipc")
IPC_RMID = 0


def remove(uid: int, homes: Path) -> None:
    """Remove all files of an account in the shared folders and below `homes`, and its SysV IPC.

    Nothing of the account runs. Links are not followed, and nothing of another account goes: a
    folder in which somebody else has put something stays. Raises `ContainerCreateFailed`.
    """
    find = shutil.which("find")
    if find is None:
        raise ContainerCreateFailed(
            "Files that an ended replica left in `/tmp` cannot be removed: there is no `find`.",
            hint="Install `findutils`.",
        )
    places = {os.path.realpath(place) for place in (*SHARED, homes) if os.path.isdir(place)}
    # Not by Python: `find` goes as deep as an application can, and is not misled meanwhile.
    subprocess.run(
        [find, *sorted(places), *("-xdev", "-mindepth", "1", "-user", str(uid), "-delete")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # files of others come and go
        cwd="/",
        check=False,
    )
    _remove_ipc(uid)


def _remove_ipc(uid: int) -> None:
    libc = ctypes.CDLL(None)
    for number in _ipc("shm", "shmid", uid):
        libc.shmctl(number, IPC_RMID, None)
    for number in _ipc("sem", "semid", uid):
        libc.semctl(number, 0, IPC_RMID)
    for number in _ipc("msg", "msqid", uid):
        libc.msgctl(number, IPC_RMID, None)


def _ipc(kind: str, column: str, uid: int) -> list[int]:
    """The ids of those that the account owns or has made, which gives it the same rights."""
    try:
        titles, *rows = (line.split() for line in (SYSVIPC / kind).read_text().splitlines())
    except FileNotFoundError:  # a kernel without them
        return []
    entries = (dict(zip(titles, row, strict=False)) for row in rows)
    return [int(entry[column]) for entry in entries if str(uid) in (entry["uid"], entry["cuid"])]
