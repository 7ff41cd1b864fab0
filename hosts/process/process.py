"""A replica's shim as a process: signals, and waiting for its end. Its lock tells if it lives."""

import asyncio
import os
import signal
from contextlib import suppress

from hosts.process.folder import ReplicaFolder
from spec.job import JobPhase, JobState

PREPARING_POLL = 0.2  # seconds between two looks at a replica that does not run yet


def signalled(folder: ReplicaFolder, number: signal.Signals) -> bool:
    """Send a signal to the shim, and never to a later process with its pid; False when it ended."""
    descriptor = _open(folder)
    if descriptor is None:
        return False
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


async def ended(folder: ReplicaFolder) -> JobState:
    """Return the state when the replica has exited or is missing."""
    while True:
        state = folder.state()
        if state.phase in (JobPhase.EXITED, JobPhase.MISSING):
            return state
        descriptor = _open(folder)
        if descriptor is None:
            await asyncio.sleep(PREPARING_POLL)
            continue
        await _readable(descriptor)


def _open(folder: ReplicaFolder) -> int | None:
    """A descriptor of the shim. The lock is asked after: still held, the pid was not reused."""
    pid = folder.pid()
    if pid is None:
        return None
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        if folder.is_alive:
            return descriptor
        os.close(descriptor)
    return None


async def _readable(descriptor: int) -> None:
    loop, dead = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, dead.set)
    try:
        await dead.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
