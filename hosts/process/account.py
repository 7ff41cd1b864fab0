"""An account of its own for each replica, when the server runs as root."""

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from hosts.process import leftover
from perdure.errors import ContainerCreateFailed

# "60706…61183: unused", says systemd's table of user ids (https://systemd.io/UIDS-GIDS): given to
# nobody by distributions, container engines or login services, and within 16 bits.
UIDS = range(60706, 61184)
LAST = "last"  # the file in the folder of claims with the uid that was given last


def separate_accounts() -> bool:
    """Whether we can give replicas accounts of their own."""
    return os.geteuid() == 0


def claim_uid(claims: Path, owner: Path) -> int:
    """A uid that nobody has on this machine: no replica of any server, no user, no process.

    `claims` is one folder for all servers of the machine, with a link per uid to its `owner`'s
    folder: when that is gone, so is the claim, and what it left behind is removed. Uids are given
    in turn, so that the same one is not used again soon.
    """
    claims.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(claims):
        running = {
            each.info["uids"].real for each in psutil.process_iter(["uids"]) if each.info["uids"]
        }
        for uid in _in_turn(claims / LAST):
            claim = claims / str(uid)
            if claim.exists() or uid in running or _is_user(uid):
                continue
            if claim.is_symlink():  # its owner went without a release
                leftover.remove(uid, claims.parent)
                claim.unlink()
            claim.symlink_to(owner)
            (claims / LAST).write_text(str(uid))
            return uid
    raise ContainerCreateFailed(
        f"No free account: all user ids from {UIDS.start} to {UIDS.stop - 1} are in use."
    )


def release(claims: Path, uid: int) -> None:
    """Give back a uid whose owner is gone, with nothing left behind.

    A claim does that, too, when there was no release.
    """
    with _alone(claims):
        claim = claims / str(uid)
        if claim.is_symlink() and not claim.exists():
            leftover.remove(uid, claims.parent)
            claim.unlink()


def give(folder: Path, uid: int) -> None:
    """Make a tree the account's own. Nothing of the account runs yet, so nothing moves in it."""
    os.chown(folder, uid, uid, follow_symlinks=False)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(parent, name), uid, uid, follow_symlinks=False)


def _in_turn(last: Path) -> list[int]:
    """All uids, that after the last one first."""
    try:
        given = int(last.read_text())
    except (FileNotFoundError, ValueError):
        return list(UIDS)
    return sorted(UIDS, key=lambda uid: (uid <= given, uid))


def _is_user(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
