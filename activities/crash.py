"""Named points at which a test kills the worker, as in `create.after_call`."""

import os
import signal
from pathlib import Path


def crash_point(name: str) -> None:
    """Kill this process, once, when a test asks for it here.

    The second worker must get past it: the point is taken from a file, `PERDURE_CRASH_FILE`, which
    the first removes. In production neither is set, and this is one look into the environment.
    """
    wanted = os.environ.get("PERDURE_CRASH_FILE")
    if wanted is None:
        return
    file = Path(wanted)
    try:
        if file.read_text().strip() != name:
            return
        file.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
