"""`kill -9` of a process that is not our child."""

import os
import select
import signal

PATIENCE = 10.0  # seconds


def kill(pid: int) -> None:
    """Kill it and wait for its end: until then it may still accept a connection."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        assert select.select([process], [], [], PATIENCE)[0], f"process {pid} does not end"
    finally:
        os.close(process)
