"""What is done to a process: it dies at once, or hangs for a while."""

import os
import signal
import time
from enum import StrEnum

from tests.e2e.installation import Installation
from tests.testbed.kill import kill


class Fault(StrEnum):
    """Of one process."""

    KILL = "kill -9"
    HANG = "SIGSTOP"


SUPERVISOR = "supervisor"
PARTS = ("worker", "api", "proxy", "tunnels", "temporal", "holder", SUPERVISOR)


def strike(place: Installation, part: str, fault: Fault, hang: float) -> None:
    """Do it, and let the installation come back: a killed supervisor is started again."""
    pid = place.pid(part)
    if fault is Fault.HANG:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(hang)
        os.kill(pid, signal.SIGCONT)
        return
    kill(pid)
    if part == SUPERVISOR:
        place.crashed()
        place.start()
