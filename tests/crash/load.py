"""Requests of every kind without a pause; what each of their clients lost."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from time import sleep
from types import TracebackType
from typing import Self

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

PATIENCE = 120.0
"""Seconds that an answer may take: a part that hangs for a minute costs a minute, no answer."""
PAUSE = 0.2
"""Seconds between two requests of a client."""
EVENTS = 20
"""Events of each stream, and pieces of each upload, a tenth of a second apart."""
PIECE = 64 * 1024
"""Bytes."""


class Kind(StrEnum):
    """Of requests."""

    SHORT = "short requests"
    STREAM = "streams"
    UPLOAD = "uploads"
    SOCKET = "WebSockets"


CLIENTS = {Kind.SHORT: 3, Kind.STREAM: 1, Kind.UPLOAD: 1, Kind.SOCKET: 2}
"""How many of each kind there are. A WebSocket stays open for as long as nobody breaks it."""


class Load:
    """Clients of one service. `lost` counts by kind: requests without a right answer, sockets."""

    def __init__(self, url: str, token: str) -> None:
        self.answered: Counter[Kind] = Counter()
        self.lost: Counter[Kind] = Counter()
        self.reasons: list[str] = []
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._over = threading.Event()
        works = {Kind.SHORT: self._ask, Kind.STREAM: self._listen, Kind.UPLOAD: self._upload}
        self._threads = [
            threading.Thread(target=self._request, args=(kind, work))
            for kind, work in works.items()
            for _ in range(CLIENTS[kind])
        ]
        self._threads += [
            threading.Thread(target=self._converse) for _ in range(CLIENTS[Kind.SOCKET])
        ]

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

    def go_on(self) -> None:
        """Return when each kind has had more answers."""
        enough = {Kind.SHORT: 20, Kind.STREAM: 1, Kind.UPLOAD: 1, Kind.SOCKET: 20}
        wanted = {kind: self.answered[kind] + more for kind, more in enough.items()}
        while any(self.answered[kind] < count for kind, count in wanted.items()):
            assert not self._over.wait(0.02)

    def _request(self, kind: Kind, work: Callable[[httpx.Client], bool]) -> None:
        with httpx.Client(
            headers=self._headers, timeout=PATIENCE, trust_env=False, verify=False
        ) as client:
            while not self._over.wait(PAUSE):
                try:
                    self._note(kind, "" if work(client) else "a wrong answer")
                except (httpx.HTTPError, AssertionError) as error:
                    self._note(kind, repr(error))

    def _ask(self, client: httpx.Client) -> bool:
        answer = client.get(self._url)
        assert answer.status_code == 200, f"{answer} {answer.text[:500]}"
        return True

    def _listen(self, client: httpx.Client) -> bool:
        return stream(client, self._url, EVENTS) == EVENTS

    def _upload(self, client: httpx.Client) -> bool:
        return upload(client, self._url, EVENTS) == EVENTS * PIECE

    def _converse(self) -> None:
        """A message and its echo, on one connection; on a new one when that is broken."""
        while not self._over.is_set():
            try:
                with self._connected() as socket:
                    while not self._over.wait(PAUSE):
                        socket.send("hello")
                        right = socket.recv(timeout=PATIENCE) == "hello"
                        self._note(Kind.SOCKET, "" if right else "a wrong echo")
            except (WebSocketException, OSError) as error:
                self._note(Kind.SOCKET, repr(error))

    def _connected(self) -> ClientConnection:
        return connect(
            self._url.replace("http", "ws", 1),
            additional_headers=self._headers,
            open_timeout=PATIENCE,
            ping_interval=None,
            proxy=None,
        )

    def _note(self, kind: Kind, wrong: str) -> None:
        if wrong:
            self.lost[kind] += 1
            self.reasons.append(f"{kind}: {wrong}")
        else:
            self.answered[kind] += 1


def stream(client: httpx.Client, url: str, count: int) -> int:
    """How many of the events of a stream arrive."""
    return client.get(f"{url}{count}").text.count(".")


def upload(client: httpx.Client, url: str, count: int) -> int:
    """How many bytes of an upload arrive, as the application says."""

    def pieces() -> Iterator[bytes]:
        for _ in range(count):
            yield bytes(PIECE)
            sleep(0.1)

    size = str(count * PIECE)
    answer = client.post(url, content=pieces(), headers={"Content-Length": size}).text
    assert answer.isdigit(), answer
    return int(answer)


def stay(client: httpx.Client, url: str) -> None:
    """Take a stream that is whole, and lasts until `linger` has uploaded everything."""
    assert client.get(f"{url}open").raise_for_status().text.count(".")


def linger(client: httpx.Client, url: str, called: threading.Event, count: int) -> None:
    """Upload until `called`, and then `count` pieces more; all of it arrives."""
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        left = count
        while left:
            left -= called.is_set()
            sent += PIECE
            yield bytes(PIECE)
            sleep(0.1)

    assert client.post(url, content=pieces()).text == str(sent)
