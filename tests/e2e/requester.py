"""A program that asks a service: requests at a steady rate, streams, WebSockets.

A process of its own, so that it asks on time whatever a test does meanwhile: see `steady`. The
first line of stdin is its order, an object in JSON. When stdin ends it asks no more, and ends with
the answers to what it has asked. Each line of stdout is all that it has counted so far.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

PATIENCE = 240.0
"""Seconds for an answer: a request may wait for a replica, and that for a part that hangs."""
PAUSE = 0.5
"""Seconds between two messages on a WebSocket, and before what failed is tried again."""
TELL = 0.2
"""Seconds between two lines."""
SHOWN = 50
"""Of what was wrong, so many are told in words."""
GOING_AWAY = 1001


@dataclass(frozen=True)
class Order:
    """`clients` ask `rate` times a second, all together; each `rounds` times, 0: without an end.

    Each of `streams` takes one stream after the other, of `events` events. Each of `sockets` keeps
    a WebSocket open, and has its messages echoed.
    """

    url: str
    token: str
    clients: int
    rate: float
    rounds: int
    streams: int
    events: int
    sockets: int


class Connection:
    """HTTP/1.1 on one connection, which is kept as long as the other side keeps it."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._where = (host, port)
        self._token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.is_answered = False

    async def get(self, path: str) -> tuple[int, bytes]:
        """The answer's status and its body, which is whole."""
        reader, writer = await self._opened()
        head = f"GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {self._token}\r\n\r\n"
        writer.write(head.encode())
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in map(_parted, lines)}
        self.is_answered = True
        try:
            body = await _body(reader, fields)
        finally:
            self.is_answered = False
        if fields.get("connection", "").lower() == "close":
            self.close()
        return int(first.split()[1]), body

    def close(self) -> None:
        """The next request has a connection of its own."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        known = self._streams
        if known is None or known[0].at_eof() or known[1].is_closing():
            self.close()
            known = self._streams = await asyncio.open_connection(*self._where)
        return known


class Asking:
    """All clients, and what they counted by kind."""

    def __init__(self, order: Order) -> None:
        parts = urlsplit(order.url)
        self._order = order
        self._path = parts.path
        self._where = (parts.hostname or "", parts.port or 80)
        self._streaming: list[Connection] = []
        self._sockets = 0
        self.over = asyncio.Event()
        self._answered = Counter[str]()
        self._failed = 0
        self._wrong: list[str] = []
        self._said = Counter[str]()
        self._begun = Counter[int]()
        self._goodbyes = 0

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What each client does."""
        asked = self._order
        return [
            *(self._ask(number) for number in range(asked.clients)),
            *(self._take_streams() for _ in range(asked.streams)),
            *(self._converse() for _ in range(asked.sockets)),
        ]

    def told(self) -> dict[str, object]:
        """All counts. `open` are the streams that have begun and the WebSockets, now."""
        return {
            "answered": self._answered,
            "failed": self._failed,
            "wrong": self._wrong,
            "said": self._said,
            "begun": self._begun,
            "open": self._sockets + sum(each.is_answered for each in self._streaming),
            "goodbyes": self._goodbyes,
        }

    async def _ask(self, number: int) -> None:
        asked, clock = self._order, asyncio.get_running_loop().time
        connection = self._connection()
        pause = asked.clients / asked.rate
        due = clock() + pause * number / asked.clients
        rounds = 0
        while not await self._is_over_before(due - clock()):
            self._begun[int(time.time())] += 1
            body = await self._answer(connection, self._path, "requests", lambda _: True)
            if body is not None:
                self._said[body.decode("latin-1")] += 1
            rounds += 1
            if rounds == asked.rounds:
                break
            due = max(due + pause, clock())
        connection.close()

    async def _take_streams(self) -> None:
        connection, events = self._connection(), self._order.events
        self._streaming.append(connection)
        path, whole = f"{self._path}{events}", lambda body: body.count(b".") == events
        while not self.over.is_set():
            if await self._answer(connection, path, "streams", whole) is None:
                await self._is_over_before(PAUSE)
        connection.close()

    async def _answer(
        self, connection: Connection, path: str, kind: str, is_right: Callable[[bytes], bool]
    ) -> bytes | None:
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await connection.get(path)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            connection.close()
            self._note_wrong(f"{kind}: {error!r}")
            return None
        if status != 200 or not is_right(body):
            self._note_wrong(f"{kind}: {status} {body[:200]!r}")
            return None
        self._answered[kind] += 1
        return body

    async def _converse(self) -> None:
        """A close with 1001 is a goodbye: the replica leaves, and the next connection is another's.

        Whoever comes while there is none waits for the handshake.
        """
        asked = self._order
        headers = {"Authorization": f"Bearer {asked.token}"}
        opening = connect(
            asked.url.replace("http", "ws", 1),
            additional_headers=headers,
            open_timeout=PATIENCE,
            ping_interval=None,
            compression=None,
            proxy=None,
        )
        while not self.over.is_set():
            try:
                async with opening as socket:
                    await self._exchange(socket)
            except ConnectionClosed as error:
                if error.rcvd is not None and error.rcvd.code == GOING_AWAY:
                    self._goodbyes += 1
                else:
                    self._note_wrong(f"WebSockets: {error!r}")
            except (WebSocketException, OSError, TimeoutError) as error:
                self._note_wrong(f"WebSockets: {error!r}")
                await self._is_over_before(PAUSE)

    async def _exchange(self, socket: ClientConnection) -> None:
        self._sockets += 1
        try:
            while not await self._is_over_before(PAUSE):
                await socket.send("hello")
                async with asyncio.timeout(PATIENCE):
                    echo = await socket.recv()
                if echo == "hello":
                    self._answered["WebSockets"] += 1
                else:
                    self._note_wrong(f"WebSockets: {echo!r}")
        finally:
            self._sockets -= 1

    async def _is_over_before(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self.over.wait()
        return self.over.is_set()

    def _connection(self) -> Connection:
        return Connection(*self._where, self._order.token)

    def _note_wrong(self, what: str) -> None:
        self._failed += 1
        if len(self._wrong) < SHOWN:
            self._wrong.append(f"{time.strftime('%H:%M:%S')} {what}")


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(":")


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if fields.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(fields.get("content-length", "0")))
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
    return b"".join(pieces)


def _tell(asking: Asking) -> None:
    sys.stdout.write(json.dumps(asking.told()) + "\n")
    sys.stdout.flush()


async def _tell_again(asking: Asking) -> None:
    while True:
        _tell(asking)
        await asyncio.sleep(TELL)


async def main() -> None:
    """Ask as the order says, until stdin ends."""
    asking = Asking(Order(**json.loads(sys.stdin.readline())))
    telling = asyncio.create_task(_tell_again(asking))
    ending = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    ending.add_done_callback(lambda _: asking.over.set())
    await asyncio.gather(*asking.works())
    telling.cancel()
    _tell(asking)
    await ending


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main())
