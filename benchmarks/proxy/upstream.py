"""The application behind both proxies: as little of it as possible.

`GET /json` two bytes, `/stream` server-sent events, `/down` 100 MB, `POST /up` counts its body,
and an upgrade to `echo`, after which bytes come back.
"""

import asyncio
import sys

import httptools
import uvloop

DOWN = 100_000_000
PIECE = b"x" * 250_000
EVENTS = 6_000
EVENT = b'12\r\ndata: {"t": "a"}\n\n\r\n'
HEAD = b"HTTP/1.1 200 OK\r\nserver: bench\r\ncontent-type: application/json\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"


class Application(asyncio.Protocol):
    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._echo = False
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._echo:
            self._transport.write(data)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._echo = True
            self._transport.write(SWITCH)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_message_complete(self) -> None:
        if self._url == b"/down":
            self._task = asyncio.ensure_future(self._down())
        elif self._url == b"/stream":
            self._task = asyncio.ensure_future(self._stream())
        elif not self._parser.should_upgrade():
            self._transport.write(HEAD + b"content-length: 2\r\n\r\nok")

    async def _down(self) -> None:
        self._transport.write(HEAD + b"content-length: %d\r\n\r\n" % DOWN)
        for _ in range(DOWN // len(PIECE)):
            await self._writable.wait()
            self._transport.write(PIECE)

    async def _stream(self) -> None:
        self._transport.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(EVENTS):
            await self._writable.wait()
            self._transport.write(EVENT)
            await asyncio.sleep(0)
        self._transport.write(b"0\r\n\r\n")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(Application, "127.0.0.1", port, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
