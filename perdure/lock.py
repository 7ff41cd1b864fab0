"""A lock on an open file, which a process passes on to its child and which ends with the child.

Open file description locks of Linux: the kernel drops one when the last copy of the descriptor is
closed, however its process ended, and whether it is held can be asked without taking it.
"""

import fcntl
import os
import struct
from pathlib import Path

FLOCK = "hhqqi4x"  # struct flock: type, whence, start, length, pid


def open_lock(path: Path) -> int:
    """Open a file to be locked; the descriptor is closed on exec unless it is passed on."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def take(descriptor: int) -> bool:
    """Lock the whole file; False when another descriptor holds the lock."""
    try:
        _ask(descriptor, fcntl.F_OFD_SETLK, fcntl.F_WRLCK)
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_held(descriptor: int) -> bool:
    """Tell whether another descriptor holds the lock."""
    return _ask(descriptor, fcntl.F_OFD_GETLK, fcntl.F_WRLCK) != fcntl.F_UNLCK


def is_file_held(path: Path) -> bool:
    """Tell whether anybody holds the lock of a file; one that does not exist is not held."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return is_held(descriptor)
    finally:
        os.close(descriptor)


def _ask(descriptor: int, operation: int, kind: int) -> int:
    asked = struct.pack(FLOCK, kind, os.SEEK_SET, 0, 0, 0)
    answer: int = struct.unpack(FLOCK, fcntl.fcntl(descriptor, operation, asked))[0]
    return answer
