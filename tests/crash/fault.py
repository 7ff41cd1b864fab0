"""What is done to a process: it dies at once, or hangs for a while."""

import os
import signal
import time

from tests.crash.losses import Fault, Part
from tests.e2e.installation import Installation
from tests.testbed.engine import Engine
from tests.testbed.kill import kill

HANG = 60.0
"""Seconds."""


def strike(place: Installation, part: Part, fault: Fault) -> None:
    """Do it to a process of ours, and let it come back: a supervisor by a new start."""
    pid = place.pid(part)
    if fault is Fault.HANG:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(HANG)
        os.kill(pid, signal.SIGCONT)
        return
    kill(pid)
    if part is Part.SUPERVISOR:
        place.crashed()
        place.start()


def strike_engine(engine: Engine, fault: Fault) -> None:
    """Do it to the engine, and let it come back as a service manager would."""
    if fault is Fault.HANG:
        engine.freeze()
        time.sleep(HANG)
        engine.thaw()
    else:
        engine.kill()
        engine.start()
