"""A steady load on one service, from a process of its own, and what its clients got."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

from tests.e2e.requester import PATIENCE
from tests.testbed.deadline import wait_until

PROGRAM = Path(__file__).with_name("requester.py")


class Steady:
    """Clients that ask for as long as the context lasts, as `requester.Order` says.

    Each ends with the answer to what it has asked.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        clients: int = 4,
        rate: float = 20.0,
        rounds: int = 0,
        streams: int = 0,
        events: int = 20,
        sockets: int = 0,
    ) -> None:
        self._order = {
            "url": url,
            "token": token,
            "clients": clients,
            "rate": rate,
            "rounds": rounds,
            "streams": streams,
            "events": events,
            "sockets": sockets,
        }
        self.clients = clients + streams + sockets
        self._told: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None
        self._listener: Thread | None = None

    def __enter__(self) -> Self:
        self._process = process = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listener = Thread(target=self._listen, args=(process,))
        self._listener.start()
        assert process.stdin is not None
        process.stdin.write(f"{json.dumps(self._order)}\n")
        process.stdin.flush()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and self._process is not None:
            self._process.kill()
        self.stop(well=error is None)

    def stop(self, *, well: bool = True) -> None:
        """Ask no more, and wait for the answers that are still to come. Again: nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        assert self._listener is not None
        try:
            process.stdin.close()
            code = process.wait(PATIENCE + 30)
        finally:
            process.kill()
            self._listener.join()
            process.stdout.close()
        assert code == 0 or not well, f"the program that asks ended with {code}"

    @property
    def requests(self) -> int:
        """How many were answered rightly; streams and messages are counted apart."""
        return self.answered("requests")

    def answered(self, kind: str) -> int:
        """How many `requests`, `streams` or messages on `WebSockets` were."""
        return int(self._told.get("answered", {}).get(kind, 0))

    @property
    def failed(self) -> int:
        """How many of all kinds were not."""
        return int(self._told.get("failed", 0))

    @property
    def wrong(self) -> list[str]:
        """The first of them, in words."""
        return list(self._told.get("wrong", ()))

    @property
    def said(self) -> dict[str, int]:
        """What requests were answered with, and how often."""
        return dict(self._told.get("said", {}))

    @property
    def begun(self) -> dict[int, int]:
        """How many requests began in each second of the clock."""
        return {int(second): count for second, count in self._told.get("begun", {}).items()}

    @property
    def open(self) -> int:
        """How many streams have begun to arrive, and how many WebSockets are open, now."""
        return int(self._told.get("open", 0))

    @property
    def goodbyes(self) -> int:
        """How many WebSockets were closed with 1001: their replica left."""
        return int(self._told.get("goodbyes", 0))

    def go_on(self, requests: int = 20) -> None:
        """Return when so many requests more are answered."""
        wanted = self.requests + requests
        try:
            wait_until(
                lambda: self.requests >= wanted,
                f"{requests} answers",
                180,
            )
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self._told}") from error

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._told = json.loads(line)
