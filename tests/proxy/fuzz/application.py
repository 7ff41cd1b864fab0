"""The application behind the proxy: it takes nothing that a strict server would not, and notes all.

How it answers is the first segment of the path. Each reply bears a digest of what arrived, so that
a reply tells whether the application saw the same.
"""

import asyncio
import re
from contextlib import suppress
from hashlib import sha256

from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Message

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
START = re.compile(TOKEN + rb" (/[\x21-\x7e\x80-\xff]*) HTTP/1\.1")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ ]?([\t\x20-\x7e\x80-\xff]*)")
CHUNK = re.compile(rb"[0-9a-f]{1,8}\r\n")
LENGTH = re.compile(r"0|[1-9][0-9]{0,15}")
HOPS = {"te", "trailer", "keep-alive", "proxy-connection", "proxy-authorization", "expect"}
OURS = re.compile(r"^bearer +(good|other)\b", re.IGNORECASE)
PIECES = 3


class Violation(Exception):
    """What the proxy sent on is no request that has one meaning."""


class Application(Upstream):
    """`saw` are the digests of the requests that arrived, in order; `violations` what was wrong."""

    def __init__(self) -> None:
        super().__init__(self.serve)
        self.saw: list[str] = []
        self.violations: list[str] = []

    async def serve(self, connection: Connection) -> None:
        """Answer request after request."""
        while True:
            try:
                request = await read_strictly(connection.reader)
            except (Violation, asyncio.LimitOverrunError) as error:
                self.violations.append(str(error))
                return
            digest = digest_of(request)
            self.saw.append(digest)
            if not await answer(connection, request, digest):
                return


async def read_strictly(reader: asyncio.StreamReader) -> Message:
    """The next request. Raises `Violation`, or `EOFError` when it never became whole."""
    raw = await reader.readuntil(b"\r\n\r\n")
    start, *lines = raw[:-4].split(b"\r\n")
    if not START.fullmatch(start):
        raise Violation(f"first line {start[:200]!r}")
    request = Message(start.decode("latin-1"), [_field(line) for line in lines])
    _judge(request)
    if request.get("transfer-encoding"):
        await _read_chunks(reader, request)
    else:
        request.body = await reader.readexactly(int(request.get("content-length") or 0))
    return request


def _field(line: bytes) -> tuple[str, str]:
    found = FIELD.fullmatch(line)
    if found is None:
        raise Violation(f"field {line[:200]!r}")
    return found[1].decode(), found[2].decode("latin-1")


def _judge(request: Message) -> None:
    names = [name.lower() for name, _ in request.fields]
    lengths, codings = request.all("content-length"), request.all("transfer-encoding")
    if names.count("host") != 1 or len(lengths) + len(codings) > 1:
        raise Violation(f"two meanings: {request.fields}")
    if any(not LENGTH.fullmatch(each) for each in lengths) or codings not in ([], ["chunked"]):
        raise Violation(f"framing: {lengths} {codings}")
    if (hops := HOPS.intersection(names)) or request.get("connection") not in (None, "upgrade"):
        raise Violation(f"meant for one hop: {hops} {request.all('connection')}")
    if any(OURS.match(value) for value in request.all("authorization")):
        raise Violation("our own token")
    if request.get("x-forwarded-for") != "127.0.0.1":
        raise Violation(f"forwarded for {request.all('x-forwarded-for')}")


async def _read_chunks(reader: asyncio.StreamReader, request: Message) -> None:
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        if not CHUNK.fullmatch(line):
            raise Violation(f"chunk {line[:200]!r}")
        size = int(line, 16)
        piece = await reader.readexactly(size + 2)
        if piece[size:] != b"\r\n":
            raise Violation("a chunk without its end")
        if not size:
            break
        body += piece[:size]
    request.body = bytes(body)


def digest_of(request: Message) -> str:
    """Of all that arrived, whatever its pieces were."""
    # The proxy gives each request an id of its own, however alike they are.
    fields = sorted(each for each in request.fields if each[0] != "x-request-id")
    told = (request.start, fields, request.body)
    return sha256(repr(told).encode()).hexdigest()[:16]


async def answer(connection: Connection, request: Message, digest: str) -> bool:
    """Answer in the way that the path asks for; whether another request may follow."""
    mode = request.target.split("/")[1].partition("?")[0]
    told, body = f"x-saw: {digest}", request.body
    if request.get("upgrade") == "websocket":
        agreed = f"{told}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        await connection.write(f"HTTP/1.1 101 Over\r\n{agreed}".encode())
        await _echo(connection)
        return False
    if request.start.startswith("HEAD "):
        await connection.write(f"HTTP/1.1 200 OK\r\n{told}\r\ncontent-length: 7\r\n\r\n".encode())
    elif mode == "nothing":
        await connection.write(f"HTTP/1.1 204 No Content\r\n{told}\r\n\r\n".encode())
    elif mode == "chunks":
        await _in_chunks(connection, told, body, b"")
    elif mode == "trailers":
        await _in_chunks(connection, told, body, b"X-Sum: 7\r\n")
    elif mode == "hints":
        await connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await connection.reply(body, told)
    elif mode == "closes":
        await connection.reply(body, told, "Connection: close")
        return False
    elif mode == "ends":
        await connection.write(f"HTTP/1.1 200 OK\r\n{told}\r\n\r\n".encode() + body)
        return False
    elif mode == "old":
        await connection.write(f"HTTP/1.0 200 OK\r\n{told}\r\n\r\n".encode() + body)
        return False
    else:
        await connection.reply(body, told)
    return True


async def _in_chunks(connection: Connection, told: str, body: bytes, trailers: bytes) -> None:
    await connection.write(
        f"HTTP/1.1 200 OK\r\n{told}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    step = len(body) // PIECES + 1
    for at in range(0, len(body), step):
        piece = body[at : at + step]
        await connection.write(b"%X;x=y\r\n%b\r\n" % (len(piece), piece))
    await connection.write(b"0\r\n%b\r\n" % trailers)


async def _echo(connection: Connection) -> None:
    with suppress(ConnectionError):
        while data := await connection.reader.read(65536):
            await connection.write(data)
