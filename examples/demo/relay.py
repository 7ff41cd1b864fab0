"""A session of our own, so that a terminal's Ctrl-C does not end what we are about to end in order.

A terminal sends its signals to all that runs in front of it. So what is in front only passes them
on, to the process that plays; whatever that one starts, hears of none.
"""

import os
import signal
from collections.abc import Callable

SIGNS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def in_own_session(play: Callable[[], int]) -> int:
    """Play in another process, to which `SIGNS` are passed on; its exit status.

    It begins with these signals blocked, so that none is lost: see `let_signals_in`.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {*SIGNS, signal.SIGCHLD})
    player = os.fork()
    if not player:
        os.setsid()
        return play()
    while (number := signal.sigwait({*SIGNS, signal.SIGCHLD})) != signal.SIGCHLD:
        os.kill(player, number)
    return os.waitstatus_to_exitcode(os.waitpid(player, 0)[1])


def let_signals_in() -> None:
    """Called by what plays, once it handles them."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*SIGNS, signal.SIGCHLD})
