"""Requests without a pause from several clients; what each of them met."""

import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx

CLIENTS = 3
EVENTS = 20
"""Events of each stream, a tenth of a second apart."""


class Load:
    """Short requests and streams to one address, on connections that are kept."""

    def __init__(self, url: str, token: str) -> None:
        self.answered = 0
        self.failed: Counter[str] = Counter()
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._over = threading.Event()
        works = [*[self._ask] * CLIENTS, self._listen]
        self._threads = [threading.Thread(target=work) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, requests: int) -> None:
        """Return after that many more answers."""
        wanted = self.answered + requests
        while self.answered < wanted and not self._over.wait(0.02):
            pass

    def _ask(self) -> None:
        with self._client() as client:
            while not self._over.wait(0.02):
                self._note(lambda: client.get(self._url).status_code == 200)

    def _listen(self) -> None:
        with self._client() as client:
            while not self._over.is_set():
                self._note(lambda: client.get(f"{self._url}{EVENTS}").text.count(".") == EVENTS)

    def _client(self) -> httpx.Client:
        return httpx.Client(headers=self._headers, timeout=90, trust_env=False)

    def _note(self, request: Callable[[], bool]) -> None:
        try:
            outcome = "" if request() else "a wrong answer"
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        if outcome:
            self.failed[outcome] += 1
        else:
            self.answered += 1
