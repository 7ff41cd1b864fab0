"""Keep the public listening socket open, and hand it to whoever of our own uid asks.

Started as `python -I -S holder.py DESCRIPTOR SOCKET`. It never accepts a connection, and imports
nothing of ours: there is nothing in it to crash on.
"""

import os
import signal
import socket
import struct
import sys
from contextlib import suppress


def main(descriptor: int, path: str) -> None:
    """Hand out the descriptor at the unix socket `path`, until killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own_name = f"{path}.{os.getpid()}"
    with suppress(FileNotFoundError):
        os.unlink(own_name)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(own_name)
    os.chmod(own_name, 0o600)
    door.listen(16)
    os.rename(own_name, path)  # atomic: a caller meets the old door or the new one, never none
    while True:
        caller, _ = door.accept()
        with caller:
            _, uid, _ = struct.unpack(
                "3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            )
            if uid == os.getuid():
                with suppress(OSError):  # the caller went away
                    socket.send_fds(caller, [b"listener"], [descriptor])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
