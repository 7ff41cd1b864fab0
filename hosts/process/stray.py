"""What a replica left behind when its shim was killed: found by account, or by a mark."""

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import psutil

from perdure.errors import HostError

MARK = "PERDURE_REPLICA"  # an environment variable; its value is the folder's name, no secret
PATIENCE = 10.0  # seconds


async def sweep(mark: str, uid: int | None) -> None:
    """Kill every process of a replica. Raises `HostError` when some outlive it."""
    deadline = time.monotonic() + PATIENCE
    while await asyncio.to_thread(_kill_once, mark, uid):
        if time.monotonic() > deadline:
            raise HostError("Processes of the replica do not end, even by SIGKILL.")
        await asyncio.sleep(0.02)


def _kill_once(mark: str, uid: int | None) -> bool:
    if uid is None:
        found = [process for process in psutil.process_iter() if _has_mark(process, mark)]
        for process in found:
            _kill(process)
        return bool(found)
    found = [process for process in psutil.process_iter() if _is_of(process, uid)]
    if found:  # all in one step, so that a program that forks all the time cannot get away
        subprocess.run(
            ["/bin/sh", "-c", "kill -9 -1"], user=uid, group=uid, extra_groups=[], check=False
        )
    return bool(found)


def _kill(process: psutil.Process) -> None:
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.Error:
        return  # it ended by itself


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARK}={mark}".encode() in environment.split(b"\0")


def _is_of(process: psutil.Process, uid: int) -> bool:
    try:
        return process.uids().real == uid and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
