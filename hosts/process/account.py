"""An account of its own for each replica, when the server runs as root."""

import os
import pwd
from collections.abc import Set as AbstractSet
from pathlib import Path

import psutil

from perdure.errors import ContainerCreateFailed

# "60706…61183: unused", says systemd's table of user ids (https://systemd.io/UIDS-GIDS): given to
# nobody by distributions, container engines or login services, and within 16 bits.
UIDS = range(60706, 61184)


def separate_accounts() -> bool:
    """Whether we can give replicas accounts of their own."""
    return os.geteuid() == 0


def free_uid(taken: AbstractSet[int]) -> int:
    """A uid that nobody has: neither a replica, nor a user, nor a process."""
    running = {
        each.info["uids"].real for each in psutil.process_iter(["uids"]) if each.info["uids"]
    }
    for uid in UIDS:
        if uid not in taken and uid not in running and not _is_user(uid):
            return uid
    raise ContainerCreateFailed(
        f"No free account: all user ids from {UIDS.start} to {UIDS.stop - 1} are in use."
    )


def give(folder: Path, uid: int) -> None:
    """Make a tree the account's own. Nothing of the account runs yet, so nothing moves in it."""
    os.chown(folder, uid, uid, follow_symlinks=False)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(parent, name), uid, uid, follow_symlinks=False)


def _is_user(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
