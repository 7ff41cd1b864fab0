"""A bad connection: between a client and a server, it breaks or stalls where a test wants it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65536
SHUT = socket.SHUT_WR


class Relay:
    """Passes bytes on, from `url` to a port of this machine.

    `lose`: of a request that begins so, the first time the answer is lost. `stall`: of one that
    begins so, nothing more is read.
    """

    def __init__(self, port: int, *, lose: bytes = b"", stall: bytes = b"") -> None:
        self._target = ("127.0.0.1", port)
        self._lose, self._stall = lose, stall
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.stalled = threading.Event()
        self.lost = threading.Event()
        self._over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def accept(self) -> None:
        """Serve until closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Break all connections."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_on(self, client: socket.socket) -> None:
        losing = threading.Event()
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._answers, args=(server, client, losing))
            back.start()
            with suppress(OSError):
                while data := client.recv(CHUNK):
                    if self._lose and data.startswith(self._lose) and not self.lost.is_set():
                        losing.set()
                    server.sendall(data)
                    if self._stall and data.startswith(self._stall):
                        self.stalled.set()
                        self._over.wait()
                        server.shutdown(socket.SHUT_RDWR)  # it is told, whoever else reads it
                        return
                server.shutdown(SHUT)
            back.join()

    def _answers(
        self, server: socket.socket, client: socket.socket, losing: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := server.recv(CHUNK):
                if losing.is_set():
                    self.lost.set()
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)
            client.shutdown(SHUT)


@contextmanager
def relay(port: int, **faults: bytes) -> Iterator[Relay]:
    """One that works until the block ends."""
    made = Relay(port, **faults)
    thread = threading.Thread(target=made.accept)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join()
