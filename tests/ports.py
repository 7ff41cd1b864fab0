"""TCP ports for what tests start."""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """A port that is free now, and below those that the kernel gives to outgoing connections."""
    while True:
        number = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number
