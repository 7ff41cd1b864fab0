"""Raw HTTP/1.1, so that a test says exactly which bytes are sent and sees which come back."""

import asyncio
from dataclasses import dataclass, field

SECONDS = 10.0


@dataclass
class Message:
    """A request or a reply as it came: first line, fields in order, body less its framing."""

    start: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


async def read_head(reader: asyncio.StreamReader) -> Message:
    """The next head; `EOFError` when the connection ends before it."""
    async with asyncio.timeout(SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")[:-2]
    return Message(start, [_field(line) for line in lines])


async def read_message(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Message:
    """The next whole message."""
    message = await read_head(reader)
    reply = message.start.startswith("HTTP/")
    if bodiless or (reply and (message.status < 200 or message.status in (204, 304))):
        return message
    async with asyncio.timeout(SECONDS):
        if message.get("transfer-encoding") == "chunked":
            await _read_chunks(reader, message)
        elif (length := message.get("content-length")) is not None:
            message.body = await reader.readexactly(int(length))
        elif reply:
            message.body = await reader.read()
    return message


async def _read_chunks(reader: asyncio.StreamReader, message: Message) -> None:
    while size := int((await reader.readline()).split(b";")[0], 16):
        message.body += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    while (line := await reader.readline()) != b"\r\n":
        message.trailers.append(_field(line.decode().strip()))


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


class Client:
    """One raw client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def send(self, data: bytes, *, bodiless: bool = False) -> Message:
        """Send these bytes, and read one reply."""
        self.write(data)
        return await self.reply(bodiless=bodiless)

    async def reply(self, *, bodiless: bool = False) -> Message:
        return await read_message(self.reader, bodiless=bodiless)

    async def ended(self) -> bytes:
        """What still comes until the server closes in good order."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()

    def abort(self) -> None:
        self.writer.transport.abort()


def chunked(body: bytes, size: int = 7001) -> bytes:
    """A body in chunks of this size."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
